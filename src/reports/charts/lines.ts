import { type Html, html } from "../../platform/html.ts";
import { BASE, drawLabels, drawScale, HEIGHT, logarithmicScale, slot } from "./axes.ts";
import { emptyFigure, figure, round, type Tone } from "./figure.ts";
import { show } from "./table.ts";

export interface Line {
  readonly name: string;
  readonly tone: Tone;
  /** null: the line has a gap. */
  readonly values: readonly (number | null)[];
}

/** Lines over the parts of the period, with a logarithmic scale: the slowest requests take many times as long as most. */
export function lineChart(
  id: string,
  title: string,
  part: string,
  labels: readonly string[],
  lines: readonly Line[],
): Html {
  const known = lines.flatMap(({ values }) => values.filter((value) => value !== null));
  if (known.length === 0) return emptyFigure(title, "No requests with a response time.");
  const scale = logarithmicScale(known);
  const pointOf = (value: number, index: number) => {
    const { start, width } = slot(index, labels.length);
    return { value, index, x: round(start + width / 2), y: round(BASE - scale.heightOf(value)) };
  };
  const drawn = lines.map(({ name, tone, values }) => {
    const points = values.map((value, index) => (value === null ? null : pointOf(value, index)));
    const paths = runsOf(points).map(
      (run) =>
        html`<polyline class="line ${tone}" points="${run.map(({ x, y }) => `${x},${y}`).join(" ")}"/>`,
    );
    const dots = points.flatMap((point) =>
      point === null
        ? []
        : html`<circle class="${tone}" cx="${point.x}" cy="${point.y}" r="3"><title>${labels[point.index] ?? ""}: ${name} ${show(point.value)} ms</title></circle>`,
    );
    return html`<g>${paths}${dots}</g>
`;
  });
  const highest = lines.map(({ name, values }) => {
    const most = Math.max(...values.filter((value) => value !== null));
    return `${name} is at most ${show(most)} ms`;
  });
  return figure({
    id,
    title,
    summary: `${highest.join(", ")}.`,
    keys: lines.map(({ tone, name }) => ({ tone, name, isLine: true })),
    height: HEIGHT,
    marks: [...drawScale(scale), ...drawn, ...drawLabels(labels)],
    head: [part, ...lines.map(({ name }) => `${name} ms`)],
    rows: labels.map((label, index) => [label, ...lines.map(({ values }) => values[index] ?? "–")]),
  });
}

/** The parts between the gaps. */
function runsOf<T>(points: readonly (T | null)[]): T[][] {
  const runs: T[][] = [[]];
  for (const point of points) {
    if (point === null) runs.push([]);
    else runs.at(-1)?.push(point);
  }
  return runs.filter((run) => run.length > 1);
}
