/** Names what a User-Agent header stands for, as far as people know it. */

type Rule = readonly [name: string, pattern: RegExp];

/** The first that matches: most browsers also name those before them. */
const PROGRAMS: readonly Rule[] = [
  ["Edge", /\bEdg(e|A|iOS)?\//],
  ["Opera", /\bOPR\//],
  ["Samsung Internet", /\bSamsungBrowser\//],
  ["Firefox", /\b(Firefox|FxiOS)\//],
  ["Chrome", /\b(Chrome|HeadlessChrome|CriOS)\//],
  ["Safari", /\bSafari\//],
  ["curl", /^curl\//],
  ["Python", /^python/i],
  ["Node.js", /^(node|undici)/],
];

const SYSTEMS: readonly Rule[] = [
  ["Android", /Android/],
  ["iOS", /iPhone|iPad/],
  ["Windows", /Windows/],
  ["macOS", /Macintosh|Mac OS X/],
  ["ChromeOS", /CrOS/],
  ["Linux", /Linux/],
];

export interface Device {
  /** null: unknown */
  readonly program: string | null;
  readonly system: string | null;
}

export function deviceOf(userAgent: string): Device {
  const first = (rules: readonly Rule[]) => rules.find(([, pattern]) => pattern.test(userAgent))?.[0] ?? null;
  return { program: first(PROGRAMS), system: first(SYSTEMS) };
}
