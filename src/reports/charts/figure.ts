/** The frame that all charts share: a title, a description, a legend, and a table with the same figures. */
import { type Html, html } from "../../platform/html.ts";
import { type Row, table } from "./table.ts";

/** The colours of marks. CHART_STYLE has them for light and for dark pages. */
export type Tone = "good" | "warn" | "bad" | "plain" | "faint";

/** Explains the marks of one tone. */
export interface Key {
  readonly tone: Tone;
  readonly name: string;
  readonly isLine?: boolean;
}

interface Figure {
  /** Unique on the page. */
  readonly id: string;
  readonly title: string;
  /** The most important figures as a sentence, for people who cannot see the chart. */
  readonly summary: string;
  readonly keys?: readonly Key[];
  readonly height: number;
  readonly marks: readonly Html[];
  readonly head: readonly string[];
  readonly rows: readonly Row[];
}

export const WIDTH = 720;

export function figure({ id, title, summary, keys = [], height, marks, head, rows }: Figure): Html {
  return html`<figure>
<figcaption><h2>${title}</h2>${keys.length > 0 ? html`<p class="keys">${keys.map(drawKey)}</p>` : ""}</figcaption>
<div class="chart"><svg role="img" aria-labelledby="${id}-title ${id}-summary" viewBox="0 0 ${WIDTH} ${height}">
<title id="${id}-title">${title}</title>
<desc id="${id}-summary">${summary}</desc>
${marks}</svg></div>
<details><summary>Figures</summary>
${table(head, rows)}
</details>
</figure>
`;
}

function drawKey({ tone, name, isLine = false }: Key): Html {
  const mark = isLine
    ? html`<line class="line ${tone}" x1="1" y1="6" x2="23" y2="6"/>`
    : html`<rect class="${tone}" x="12" width="12" height="12"/>`;
  return html`<span><svg viewBox="0 0 24 12" aria-hidden="true">${mark}</svg>${name}</span>
`;
}

/** Stands for a chart that has nothing to show. */
export function emptyFigure(title: string, reason: string): Html {
  return html`<figure><figcaption><h2>${title}</h2></figcaption><p class="empty">${reason}</p></figure>
`;
}

/** Colours come from classes, because the content policy of the page forbids inline styles. */
export const CHART_STYLE = `
:root { --good: #2f6db3; --warn: #b06a00; --bad: #c22f45; --plain: #2f6db3; --faint: #9aa5b1; --grid: #e3e6ea; --soft: #5f6b76; }
@media (prefers-color-scheme: dark) {
:root { --good: #6ba6ea; --warn: #e0a140; --bad: #f27788; --plain: #6ba6ea; --faint: #76818c; --grid: #33383e; --soft: #a3adb7; } }
figure { margin: 2.5rem 0 0; } figcaption { display: flex; flex-wrap: wrap; justify-content: space-between; align-items: baseline; gap: 0 1rem; }
figure h2 { margin: 0 0 .5rem; } .keys { margin: 0 0 .5rem; font-size: .85rem; color: var(--soft); display: flex; gap: .75rem; }
.keys svg { width: 1.5rem; height: .75rem; margin-right: .35rem; vertical-align: -.05rem; }
.chart { overflow-x: auto; } .chart svg { display: block; width: 100%; min-width: 34rem; font: 11px system-ui, sans-serif; }
.chart text { fill: var(--soft); } .chart text.value { fill: currentColor; } .grid { stroke: var(--grid); }
.good { fill: var(--good); } .warn { fill: var(--warn); } .bad { fill: var(--bad); } .plain { fill: var(--plain); } .faint { fill: var(--faint); }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
.line.plain { stroke: var(--plain); } .line.warn { stroke: var(--warn); stroke-dasharray: 6 4; } .line.bad { stroke: var(--bad); stroke-dasharray: 1.5 4; }
.empty { color: var(--soft); border: 1px dashed var(--grid); border-radius: .4rem; padding: 1.5rem; text-align: center; margin: 0; }
details { margin-top: .5rem; font-size: .85rem; } summary { color: var(--soft); cursor: pointer; }
`;

/** Coordinates with one digit are exact enough, and short. */
export function round(value: number): number {
  return Math.round(value * 10) / 10;
}
