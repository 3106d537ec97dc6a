import { html, type Html } from './html.js';

/** A table of many rows: a row out of sight is not laid out, and on a phone each row is a card. */
interface WideTable {
  readonly id?: string;
  /** For those who do not see the table. */
  readonly caption: string;
  readonly columns: readonly string[];
  readonly rows: readonly Html[];
}

/**
 * Each part states its role: the rows are laid out as grids, and some browsers take that for the end of the table. The page
 * of thousands of rows opens as fast as it has few elements, so a cell has none inside that a style can draw.
 */
export function wideTable({ id, caption, columns, rows }: WideTable): Html {
  return html`<table class="routes" role="table" ${id === undefined ? undefined : html` id="${id}"`}>
    <caption class="unseen">
      ${caption}
    </caption>
    <thead role="rowgroup">
      <tr role="row">
        ${columns.map((column) => html`<th scope="col" role="columnheader">${column}</th>`)}
      </tr>
    </thead>
    <tbody role="rowgroup">
      ${rows}
    </tbody>
  </table>`;
}

/** The first two cells of a row. */
export function pathCells(method: string, path: Html | string): Html {
  return html`<td role="cell" class="method">${method}</td>
    <th role="rowheader" scope="row" class="path">${path}</th>`;
}

/** A cell, with the label that it has on a card. Without a label where it is empty: a card leaves it out. */
export function cell(label: string, name: string, content: Html | string): Html {
  const inside = html`${content}`;
  if (inside.text.trim() === '') return html`<td role="cell" class="empty"></td>`;
  return html`<td role="cell" ${name === '' ? undefined : html` class="${name}"`} data-label="${label}">${inside}</td>`;
}
