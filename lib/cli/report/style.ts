/** The look of the report, light and dark, and on paper. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #faf8f4; --card: #ffffff; --ink: #1c2630; --soft: #596673; --line: #e2dcd0; --accent: #0f5470;
  --open: #9aa3ab; --exempt: #cf8a1d; --redirected: #1f8a5b; --refused: #2c5fa8;
  --error: #a81e1e; --error-paper: #fbe9e7; --warning: #855000; --warning-paper: #fdf0d9; --info: #245a86; --info-paper: #e6f0f8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #11181e; --card: #18222a; --ink: #e7ebee; --soft: #a3b0bb; --line: #2d3a45; --accent: #83c7e2;
    --open: #77838e; --exempt: #e0a446; --redirected: #4cbb88; --refused: #6b9ee6;
    --error: #ff9d94; --error-paper: #3b1d1c; --warning: #f2c275; --warning-paper: #372914; --info: #92c6ef; --info-paper: #172c3d;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
html { scroll-padding-top: 1rem; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
header, main { max-width: 76rem; margin-inline: auto; padding-inline: clamp(1rem, 4vw, 3rem); }
header { padding-top: clamp(2rem, 6vw, 4rem); }
main { padding-bottom: 5rem; }
h1, h2 { font-family: "Iowan Old Style", "Palatino Linotype", Palatino, Georgia, serif; font-weight: 600; line-height: 1.15; letter-spacing: -0.01em; }
h1 { font-size: clamp(1.9rem, 4.5vw, 3rem); margin: 0 0 .6rem; overflow-wrap: anywhere; text-wrap: balance; }
h2 { font-size: 1.6rem; margin: 3.5rem 0 1rem; outline: none; }
h3 { font-size: 1.05rem; margin: 0; line-height: 1.35; }
p { margin: 0 0 .5rem; }
a { color: var(--accent); text-underline-offset: .2em; text-decoration-thickness: .06em; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 2px; }
code, .method, .path, .about, .handler, .sections tbody th { font-family: ui-monospace, "SF Mono", "Cascadia Code", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .8125rem; }
.soft { color: var(--soft); }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.skip { position: absolute; left: -99rem; z-index: 2; }
.skip:focus { left: 1rem; top: 1rem; padding: .6rem 1rem; background: var(--card); border: 1px solid var(--line); }
.eyebrow { margin: 0 0 .75rem; color: var(--soft); font-size: .8125rem; letter-spacing: .08em; text-transform: uppercase; }
.lead { max-width: 44rem; font-size: clamp(1.1rem, 2vw, 1.3rem); line-height: 1.45; text-wrap: pretty; }
.facts { color: var(--soft); font-size: .9375rem; }
.facts span::before { content: "\\00b7"; margin-inline: .35rem; }
nav ul { display: flex; flex-wrap: wrap; gap: .5rem 2rem; margin: 1.5rem 0 0; padding: .9rem 0; list-style: none; border-block: 1px solid var(--line); font-size: .9375rem; }
.notice { max-width: 60rem; margin-top: 1.5rem; padding: .8rem 1.1rem; background: var(--warning-paper); border-radius: .5rem; white-space: pre-wrap; }
.notice b { color: var(--warning); margin-right: .4rem; }
.good { color: var(--redirected); font-weight: 600; }

.legend { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: 1rem 2rem; margin: 0 0 1.4rem; }
.legend dt { font-size: .9375rem; font-weight: 600; }
.legend dd { margin: 0; }
.legend b { font: 600 2rem/1.2 "Iowan Old Style", "Palatino Linotype", Palatino, Georgia, serif; font-variant-numeric: lining-nums tabular-nums; }
.legend .meaning { color: var(--soft); font-size: .875rem; line-height: 1.35; }
.mark, .fate::before { content: ""; display: inline-block; width: .7rem; height: .7rem; margin-right: .5rem; vertical-align: baseline; }
.mark.open, .fate.open::before { border: .16rem solid var(--open); border-radius: 50%; }
.mark.exempt, .fate.exempt::before { background: var(--exempt); transform: rotate(45deg) scale(.82); }
.mark.redirected, .fate.redirected::before { background: var(--redirected); border-radius: 50%; }
.mark.refused, .fate.refused::before { background: var(--refused); border-radius: 1px; }
.bar { display: block; width: 100%; }
.bar.whole { height: 1.6rem; margin-bottom: 2rem; border-radius: .3rem; }
.bar.part { height: .8rem; border-radius: .15rem; }
rect.open { fill: var(--open); } rect.exempt { fill: var(--exempt); } rect.redirected { fill: var(--redirected); } rect.refused { fill: var(--refused); }

.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; }
th { text-align: left; font-weight: 600; }
thead th { color: var(--soft); font-size: .8125rem; font-weight: 500; white-space: nowrap; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.none { color: var(--soft); opacity: .75; }
.sections th, .sections td { padding: .34rem .6rem; }
.sections th:first-child { padding-left: 0; }
.sections td:last-child, .sections thead th:last-child { padding-right: 0; }
.sections tbody tr { border-top: 1px solid var(--line); }
.sections tbody th { width: 1%; max-width: 20rem; font-weight: 400; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.sections .drawn { min-width: 10rem; }
.sections .number { width: 1%; font-size: .875rem; }
details { margin-top: .75rem; }
summary { cursor: pointer; color: var(--accent); font-size: .9375rem; }

fieldset { display: flex; flex-wrap: wrap; gap: .4rem 1.4rem; margin: 0 0 1rem; padding: 0; border: 0; font-size: .9375rem; }
fieldset label { display: inline-flex; align-items: center; gap: .45rem; min-height: 1.75rem; }
input[type="checkbox"] { width: 1.1rem; height: 1.1rem; margin: 0; accent-color: var(--accent); }
.finding { margin-bottom: 1rem; padding: 1.1rem 1.3rem; background: var(--card); border: 1px solid var(--line); border-left: .3rem solid; border-radius: .5rem; }
.finding:target { outline: 2px solid var(--accent); outline-offset: 2px; }
.finding.error { border-left-color: var(--error); } .finding.warning { border-left-color: var(--warning); } .finding.info { border-left-color: var(--info); }
.severity { margin: 0 0 .15rem; font-size: .8125rem; font-weight: 700; letter-spacing: .05em; text-transform: uppercase; }
.severity span { margin-left: .3rem; color: var(--soft); font-weight: 500; }
.error .severity, .ids .error { color: var(--error); } .warning .severity, .ids .warning { color: var(--warning); } .info .severity, .ids .info { color: var(--info); }
.subjects { margin: .6rem 0 0; padding: 0; list-style: none; }
.subjects li { max-width: 56rem; padding: .65rem 0; }
.subjects li + li, details .subjects li:first-child { border-top: 1px solid var(--line); }
.subjects p { margin: 0 0 .15rem; overflow-wrap: anywhere; }
.about { font-weight: 600; }
article > .fix { margin: .75rem 0 0; }
.fix b { margin-right: .35rem; padding: .05rem .4rem; background: var(--info-paper); color: var(--info); border-radius: .25rem; font-size: .75rem; }
.explanation p { max-width: 46rem; margin: .6rem 0 0; }
.explanation .label { margin-top: .8rem; color: var(--soft); font-size: .8125rem; }
pre { margin: .2rem 0 0; padding: .7rem .9rem; overflow-x: auto; background: var(--paper); border: 1px solid var(--line); border-radius: .35rem; font: .8125rem/1.5 ui-monospace, "SF Mono", "Cascadia Code", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
section > h3 { margin: 2rem 0 0; }
.limit { margin: 1.5rem 0 0; color: var(--soft); font-size: .875rem; }
.documentation { margin: .6rem 0 0; color: var(--soft); font-size: .875rem; }

#tools { display: flex; flex-wrap: wrap; align-items: end; gap: .75rem 1rem; margin-bottom: 1rem; }
#tools label { display: grid; gap: .2rem; color: var(--soft); font-size: .8125rem; }
#tools .wide { flex: 1 1 16rem; }
#tools input, #tools select { min-height: 2.4rem; padding: .3rem .6rem; border: 1px solid var(--soft); border-radius: .35rem; background: var(--card); color: var(--ink); font: inherit; font-size: .9375rem; }
#tools ::placeholder { color: var(--soft); opacity: 1; }
#count { flex: 0 0 100%; margin: 0; color: var(--soft); font-size: .875rem; font-variant-numeric: tabular-nums; }
/* A row that is out of sight is not laid out, so it has to be a box of its own: no row of a table can be. */
.routes { min-width: 66rem; font-size: .875rem; }
.routes, .routes thead, .routes tbody { display: block; }
.routes tr { display: grid; grid-template-columns: 5rem minmax(0, 5fr) 9rem 11rem minmax(0, 6fr) 4.5rem 5rem; align-items: baseline; }
.routes tbody tr:nth-child(n + 31) { content-visibility: auto; contain-intrinsic-size: auto 3.6rem; }
.routes th, .routes td { padding: .45rem .8rem .45rem 0; }
.routes tbody tr { border-top: 1px solid var(--line); }
.routes tbody tr:hover { background: var(--card); }
.routes tbody tr:target { background: var(--info-paper); }
.routes thead button { margin: 0; padding: .25rem 0; border: 0; background: none; color: inherit; font: inherit; cursor: pointer; }
.routes thead button::after { content: ""; display: inline-block; width: .9em; }
[aria-sort="ascending"] button::after { content: "\\2191"; } [aria-sort="descending"] button::after { content: "\\2193"; }
[aria-sort] button { color: var(--ink); font-weight: 600; }
.method { white-space: nowrap; color: var(--soft); }
.path { font-weight: 600; overflow-wrap: anywhere; }
.path .soft { font-weight: 400; }
.source { display: block; overflow-wrap: anywhere; }
.ids a { margin-right: .3rem; white-space: nowrap; }
.handler { overflow-wrap: anywhere; }
@media (max-width: 600px) {
  .routes { min-width: 0; }
  .routes thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .routes tbody tr { display: flex; flex-wrap: wrap; gap: .1rem .6rem; margin-bottom: .75rem; padding: .7rem .9rem; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; }
  .routes tbody tr:nth-child(n + 31) { contain-intrinsic-size: auto 11rem; }
  .routes th, .routes td { padding: 0; }
  .routes .path { flex: 1 1 60%; }
  .routes td[data-label] { flex: 0 0 100%; position: relative; padding-left: 6.5rem; }
  .routes td[data-label]::after { content: attr(data-label); position: absolute; left: 0; color: var(--soft); font: .8125rem/1.6 system-ui, sans-serif; }
  .routes td.empty { display: none; }
  .sections { table-layout: fixed; }
  .sections .drawn { display: none; }
  .sections th, .sections td { padding: .34rem .2rem; }
  .sections thead th { font-size: .6875rem; white-space: normal; hyphens: auto; overflow-wrap: anywhere; }
  .sections thead th:first-child { width: 30%; }
  .sections tbody th { width: auto; max-width: none; white-space: normal; overflow-wrap: anywhere; }
  .sections .number { width: auto; }
  #tools label { flex: 1 1 40%; }
}
@media print {
  :root { --paper: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #bbb; --accent: #000; --error: #8a0000; --warning: #6b4000; --info: #123c5c; --error-paper: #fff; --warning-paper: #fff; --info-paper: #fff; }
  header, main { max-width: none; padding-inline: 0; }
  .scroll { overflow: visible; }
  .routes { min-width: 0; font-size: .6875rem; }
  .routes thead button::after { display: none; }
  .sections thead th { white-space: normal; }
  .routes tr { grid-template-columns: 3.2rem minmax(0, 4fr) 6rem 7rem minmax(0, 5fr) 3rem 3.6rem; }
  .bar, .mark, .fate { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  #tools, fieldset, .skip, nav { display: none; }
  .finding, tr { break-inside: avoid; }
  .routes tbody tr:nth-child(n) { content-visibility: visible; }
}
`;
