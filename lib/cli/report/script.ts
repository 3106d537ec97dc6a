/** Search, filters and sorting, for the routes and the findings. Holds nothing of the application. */
export const SCRIPT = `
'use strict';
(() => {
  const byId = (id) => document.getElementById(id);
  const table = byId('route-table');
  const body = table.tBodies[0];
  const rows = body.rows.length;
  // Read when somebody first looks for one: the page opens sooner.
  let known;
  const read = () => known ??= [...body.rows].map((element) => ({
    element,
    text: element.textContent.toLowerCase(),
    level: element.dataset.level,
    method: element.dataset.method,
    severity: element.dataset.severity,
  }));

  const search = byId('search');
  const choices = ['level', 'method', 'severity'].map((key) => [key, byId(key)]);

  function filter() {
    const words = search.value.toLowerCase().split(/\\s+/).filter(Boolean);
    let shown = 0;
    for (const row of read()) {
      const fits = words.every((word) => row.text.includes(word))
        && choices.every(([key, { value }]) => value === '' || row[key] === value);
      if (row.element.hidden === fits) row.element.hidden = !fits;
      if (fits) shown += 1;
    }
    byId('count').textContent = shown === rows ? rows + ' routes' : shown + ' of ' + rows + ' routes';
    byId('no-route').hidden = shown > 0;
  }

  let waiting = 0;
  search.addEventListener('input', () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(filter);
  });
  for (const [, select] of choices) select.addEventListener('change', filter);
  byId('tools').addEventListener('submit', (event) => event.preventDefault());
  byId('tools').hidden = false;

  const order = new Intl.Collator('en', { numeric: true });
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = heading.textContent;
    heading.replaceChildren(button);
    button.addEventListener('click', () => {
      const down = heading.getAttribute('aria-sort') === 'ascending';
      for (const other of headings) other.removeAttribute('aria-sort');
      heading.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      const keyed = read().map((row) => [row.element.cells[column].textContent, row.element]);
      keyed.sort(([a], [b]) => order.compare(a, b) * (down ? -1 : 1));
      body.append(...keyed.map(([, element]) => element));
    });
  });

  for (const link of document.querySelectorAll('a[data-section]')) {
    link.addEventListener('click', (event) => {
      if (!link.dataset.section.startsWith('/')) return;
      event.preventDefault();
      search.value = link.dataset.section;
      filter();
      byId('routes').scrollIntoView();
      search.focus();
    });
  }

  const severities = byId('severities');
  if (severities) {
    severities.hidden = false;
    severities.addEventListener('change', () => {
      for (const box of severities.querySelectorAll('input')) {
        for (const finding of document.querySelectorAll('.finding.' + box.value)) finding.hidden = !box.checked;
      }
    });
  }
  // What a browser puts back into a page that is loaded again.
  if (search.value !== '' || choices.some(([, { value }]) => value !== '')) filter();
})();
`;
