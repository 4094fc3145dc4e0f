/** The axes of charts over time. They agree, so that the hours of one chart are below those of another. */
import { type Html, html } from "../../platform/html.ts";
import { round, WIDTH } from "./figure.ts";
import { show } from "./table.ts";

const LEFT = 52;
const TOP = 10;
const PLOT_HEIGHT = 170;
const LABEL_HEIGHT = 22;
export const BASE = TOP + PLOT_HEIGHT;
export const HEIGHT = BASE + LABEL_HEIGHT;

export interface Scale {
  readonly ticks: readonly number[];
  /** The height of a value in the plot, from its base. */
  heightOf(value: number): number;
}

/** From 0 to a round number. Its ticks are whole numbers. */
export function linearScale(highest: number): Scale {
  const rough = Math.max(1, highest) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(1, ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power);
  const steps = Math.ceil(Math.max(1, highest) / step);
  return {
    ticks: Array.from({ length: steps + 1 }, (_, at) => at * step),
    heightOf: (value) => (value / (steps * step)) * PLOT_HEIGHT,
  };
}

/** Powers of ten. Values below the lowest of them are drawn at the base. */
export function logarithmicScale(values: readonly number[]): Scale {
  const positive = values.filter((value) => value > 0);
  const low = Math.floor(Math.log10(Math.min(...positive, 1)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...positive, 1))));
  return {
    ticks: Array.from({ length: high - low + 1 }, (_, at) => 10 ** (low + at)),
    heightOf: (value) => ((Math.log10(Math.max(value, 10 ** low)) - low) / (high - low)) * PLOT_HEIGHT,
  };
}

export function drawScale({ ticks, heightOf }: Scale): Html[] {
  return ticks.map((tick) => {
    const y = round(BASE - heightOf(tick));
    return html`<line class="grid" x1="${LEFT}" y1="${y}" x2="${WIDTH}" y2="${y}"/><text x="${LEFT - 8}" y="${y + 4}" text-anchor="end">${show(tick)}</text>
`;
  });
}

/** The place of a part of the period. */
export function slot(index: number, count: number): { readonly start: number; readonly width: number } {
  const width = (WIDTH - LEFT) / count;
  return { start: LEFT + index * width, width };
}

export function drawLabels(labels: readonly string[]): Html[] {
  return labels.map((label, index) => {
    const { start, width } = slot(index, labels.length);
    return html`<text x="${round(start + width / 2)}" y="${BASE + 15}" text-anchor="middle">${label}</text>
`;
  });
}
