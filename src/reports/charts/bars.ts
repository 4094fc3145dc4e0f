import { type Html, html } from "../../platform/html.ts";
import { emptyFigure, figure, type Key, round, type Tone, WIDTH } from "./figure.ts";
import { type Row, show } from "./table.ts";

interface Bar {
  readonly value: number;
  readonly tone: Tone;
  /** Stands beside the value. */
  readonly note?: string;
}

interface BarGroup {
  readonly label: string;
  readonly bars: readonly Bar[];
}

interface BarChart {
  readonly id: string;
  readonly title: string;
  readonly summary: string;
  readonly empty: string;
  readonly keys?: readonly Key[];
  /** Whether each group has a scale of its own, because their units differ. */
  readonly hasOwnScales?: boolean;
  readonly groups: readonly BarGroup[];
  readonly head: readonly string[];
  readonly rows: readonly Row[];
}

const LEFT = 190;
/** For the value and its note. */
const RIGHT = 120;
const BAR_HEIGHT = 14;
const BAR_GAP = 3;
const GROUP_GAP = 9;
const MIN_WIDTH = 2;

/** Horizontal bars with their values. */
export function barChart({ groups, hasOwnScales = false, empty, ...frame }: BarChart): Html {
  if (groups.length === 0) return emptyFigure(frame.title, empty);
  const highest = Math.max(1, ...groups.flatMap(({ bars }) => bars.map(({ value }) => value)));
  const marks: Html[] = [];
  let y = GROUP_GAP / 2;
  for (const { label, bars } of groups) {
    const top = hasOwnScales ? Math.max(...bars.map(({ value }) => value)) : highest;
    const height = bars.length * (BAR_HEIGHT + BAR_GAP) - BAR_GAP;
    marks.push(html`<text x="${LEFT - 10}" y="${round(y + height / 2 + 4)}" text-anchor="end">${label}</text>
`);
    for (const { value, tone, note } of bars) {
      const width = value === 0 ? 0 : Math.max(MIN_WIDTH, round((value / top) * (WIDTH - LEFT - RIGHT)));
      const text = [show(value), ...(note === undefined ? [] : [note])].join("  ");
      marks.push(html`<rect class="${tone}" x="${LEFT}" y="${y}" width="${width}" height="${BAR_HEIGHT}"/><text class="value" x="${LEFT + width + 6}" y="${y + BAR_HEIGHT - 3}">${text}</text>
`);
      y += BAR_HEIGHT + BAR_GAP;
    }
    y += GROUP_GAP - BAR_GAP;
  }
  const base = html`<line class="grid" x1="${LEFT}" y1="0" x2="${LEFT}" y2="${y}"/>`;
  return figure({ ...frame, height: y, marks: [base, ...marks] });
}
