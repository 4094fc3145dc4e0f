import { type Html, html } from "../platform/html.ts";

export interface Bar {
  readonly label: string;
  readonly value: number;
  /** The part of `value` in the colour of failures. */
  readonly failed: number;
}

const WIDTH = 720;
const HEIGHT = 160;
const BASE = 20;
const GAP = 4;

/** An inline SVG without styles and scripts, so that the strictest content policy shows it. */
export function barChart(title: string, bars: readonly Bar[]): Html {
  const highest = Math.max(1, ...bars.map(({ value }) => value));
  const step = WIDTH / bars.length;
  const heightOf = (value: number) => Math.round((value / highest) * HEIGHT * 10) / 10;
  const drawn = bars.map(({ label, value, failed }, index) => {
    const [x, width] = [round(index * step + GAP / 2), round(step - GAP)];
    const [all, bad] = [heightOf(value), heightOf(failed)];
    return html`<g><title>${label}: ${value}, ${failed} failed</title>
<rect x="${x}" y="${round(HEIGHT - all)}" width="${width}" height="${all}" fill="#4c78a8"/>
<rect x="${x}" y="${round(HEIGHT - bad)}" width="${width}" height="${bad}" fill="#e45756"/>
<text x="${round(x + width / 2)}" y="${HEIGHT + 14}" font-size="10" text-anchor="middle" fill="currentColor">${label}</text></g>
`;
  });
  return html`<svg role="img" aria-label="${title}" viewBox="0 0 ${WIDTH} ${HEIGHT + BASE}" width="100%" font-family="system-ui, sans-serif">
<line x1="0" y1="${HEIGHT}" x2="${WIDTH}" y2="${HEIGHT}" stroke="#999"/>
${drawn}</svg>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
