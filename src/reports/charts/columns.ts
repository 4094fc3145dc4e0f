import { type Html, html } from "../../platform/html.ts";
import { BASE, drawLabels, drawScale, HEIGHT, linearScale, slot } from "./axes.ts";
import { figure, round } from "./figure.ts";
import { show } from "./table.ts";

export interface Column {
  readonly label: string;
  readonly requests: number;
  /** The failed ones of `requests`. */
  readonly failed: number;
}

const MAX_WIDTH = 44;
/** A single failure among thousands of requests is visible. */
const MIN_HEIGHT = 2;

/** One column per part of the period: failed requests at its base, the others above them. */
export function columnChart(id: string, title: string, part: string, columns: readonly Column[]): Html {
  const total = columns.reduce((sum, { requests }) => sum + requests, 0);
  const failed = columns.reduce((sum, column) => sum + column.failed, 0);
  const busiest = columns.reduce((a, b) => (b.requests > a.requests ? b : a));
  const scale = linearScale(busiest.requests);
  const drawn = columns.map((column, index) => {
    const { start, width } = slot(index, columns.length);
    const drawnWidth = Math.min(width * 0.76, MAX_WIDTH);
    const x = round(start + (width - drawnWidth) / 2);
    const bar = (tone: string, value: number, from: number) => {
      const height = value === 0 ? 0 : Math.max(MIN_HEIGHT, round(scale.heightOf(value)));
      const y = round(BASE - from - height);
      const mark = html`<rect class="${tone}" x="${x}" y="${y}" width="${round(drawnWidth)}" height="${height}"/>`;
      return { height, mark };
    };
    const bad = bar("bad", column.failed, 0);
    const good = bar("good", column.requests - column.failed, bad.height);
    return html`<g><title>${column.label}: ${show(column.requests)} requests, ${show(column.failed)} failed</title>${good.mark}${bad.mark}</g>
`;
  });
  return figure({
    id,
    title,
    summary: `${show(total)} requests, ${show(failed)} of them failed. ${part} ${busiest.label} has the most: ${show(busiest.requests)}.`,
    keys: [
      { tone: "good", name: "Succeeded" },
      { tone: "bad", name: "Failed" },
    ],
    height: HEIGHT,
    marks: [...drawScale(scale), ...drawn, ...drawLabels(columns.map(({ label }) => label))],
    head: [part, "Requests", "Failed"],
    rows: columns.map(({ label, requests, failed }) => [label, requests, failed]),
  });
}
