import { type Html, html } from "../../platform/html.ts";

export type Cell = string | number;
export type Row = readonly Cell[];

/** The first cell of each row names it. */
export function table(head: readonly string[], rows: readonly Row[]): Html {
  return html`<div class="table"><table>
<thead><tr>${head.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>
${rows.map(
  ([name = "", ...cells]) =>
    html`<tr><th scope="row">${show(name)}</th>${cells.map((cell) => html`<td>${show(cell)}</td>`)}</tr>
`,
)}</tbody>
</table></div>`;
}

/** Returns a number as people read it: `18,204`. */
export function show(cell: Cell): string {
  return typeof cell === "number" ? NUMBERS.format(cell) : cell;
}

const NUMBERS = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
