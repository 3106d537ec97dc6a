import { Html } from './html.js';

/** The look of every page, light and dark. */
export const STYLE = new Html(`
:root {
  color-scheme: light dark;
  --paper: #f7f4ee;
  --card: #fffdf9;
  --ink: #1d2a36;
  --soft: #5a6774;
  --line: #ddd5c7;
  --sea: #0f5470;
  --sea-ink: #ffffff;
  --safe: #1b6b45;
  --safe-paper: #e0f1e7;
  --clear: #8a4b08;
  --clear-paper: #fcecd2;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #101a22;
    --card: #16232d;
    --ink: #e6ebee;
    --soft: #9fb0bc;
    --line: #2a3b47;
    --sea: #7cc4e0;
    --sea-ink: #0c1a22;
    --safe: #8fdcb0;
    --safe-paper: #14352a;
    --clear: #f5c37c;
    --clear-paper: #3a2a12;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0;
  background: var(--paper);
  color: var(--ink);
  font: 1.0625rem/1.6 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
}
header, main, footer { max-width: 58rem; margin-inline: auto; padding-inline: 1.25rem; }
header {
  display: flex;
  flex-wrap: wrap;
  align-items: center;
  gap: .5rem 1.5rem;
  padding-block: 1.25rem;
  border-bottom: 1px solid var(--line);
}
.name { font: 600 1.3rem/1.2 Georgia, "Times New Roman", serif; color: var(--ink); text-decoration: none; margin-right: auto; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.1rem; list-style: none; margin: 0; padding: 0; }
nav a { text-decoration: none; }
nav a[aria-current] { color: var(--ink); font-weight: 600; border-bottom: 2px solid var(--sea); }
main { padding-block: 1.5rem 3rem; }
footer { padding-block: 1.25rem 2.5rem; border-top: 1px solid var(--line); color: var(--soft); font-size: .9375rem; }
footer ul { display: flex; flex-wrap: wrap; gap: .25rem 1.1rem; list-style: none; margin: .5rem 0 0; padding: 0; }
h1, h2, h3 { font-family: Georgia, "Times New Roman", serif; line-height: 1.2; text-wrap: balance; overflow-wrap: anywhere; }
h1 { font-size: clamp(1.8rem, 5vw, 2.6rem); margin: 1.25rem 0 .75rem; }
h2 { font-size: 1.4rem; margin: 2.5rem 0 .75rem; }
h3 { font-size: 1.15rem; margin: 0 0 .35rem; }
p, ul.plain, dl { max-width: 40rem; }
a { color: var(--sea); text-underline-offset: .2em; }
a:focus-visible, button:focus-visible, input:focus-visible, textarea:focus-visible { outline: 3px solid var(--sea); outline-offset: 2px; }
[data-scheme="http"] a[href^="https:"]::after {
  content: "";
  display: inline-block;
  width: .7em;
  height: .7em;
  margin-left: .25em;
  background: currentcolor;
  mask: url("data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><path d='M4 7V5a4 4 0 0 1 8 0v2h1v8H3V7zm2 0h4V5a2 2 0 0 0-4 0z'/></svg>") center / contain no-repeat;
}
.skip { position: absolute; left: -999rem; }
.skip:focus { left: 1rem; top: 1rem; background: var(--card); padding: .5rem 1rem; }
.lead { font-size: 1.2rem; color: var(--soft); }
.soft { color: var(--soft); }
.written { white-space: pre-line; overflow-wrap: anywhere; }
.badge {
  display: inline-flex;
  align-items: center;
  gap: .5rem;
  margin: 0;
  padding: .3rem .8rem;
  border-radius: 2rem;
  font-size: .9375rem;
}
.badge svg { width: 1em; height: 1em; flex: none; }
[data-scheme="https"] .badge { background: var(--safe-paper); color: var(--safe); }
[data-scheme="http"] .badge { background: var(--clear-paper); color: var(--clear); }
.state { display: flex; flex-wrap: wrap; align-items: center; gap: .25rem 1rem; width: 100%; }
.who { margin: 0; color: var(--soft); font-size: .9375rem; }
.who b { color: var(--ink); }
.wrong { color: var(--clear); font-weight: 600; }
.cards { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(min(16rem, 100%), 1fr)); list-style: none; margin: 0; padding: 0; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: 1.1rem 1.25rem; }
.card p { margin: 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9375rem; }
th, td { text-align: left; padding: .45rem 1rem .45rem 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
code { font: .92em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
form { max-width: 32rem; }
label { display: block; margin: 1rem 0 .3rem; font-weight: 600; }
input, textarea {
  width: 100%;
  padding: .55rem .7rem;
  font: inherit;
  color: inherit;
  background: var(--card);
  border: 1px solid var(--soft);
  border-radius: .5rem;
}
button {
  margin-top: 1.25rem;
  padding: .6rem 1.4rem;
  font: inherit;
  font-weight: 600;
  color: var(--sea-ink);
  background: var(--sea);
  border: 0;
  border-radius: .5rem;
  cursor: pointer;
}
button.small { margin: 0; padding: .25rem .8rem; font-size: .9375rem; }
dt { font-weight: 600; margin-top: .75rem; }
dd { margin: 0; }
`);
