/** The parts of docs/ that are generated from the code. `npm run docs` writes them, test/docs.test.ts compares them. */
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { transitions as batchTransitions } from "../../src/batches/state.ts";
import { transitions as taskTransitions } from "../../src/tasks/state.ts";

interface GeneratedRegion {
  /** The page, from the root of the repository. */
  readonly file: string;
  /** The region stands between `<!-- generated: marker -->` and `<!-- /generated -->`. */
  readonly marker: string;
  readonly render: () => string;
}

export const regions: readonly GeneratedRegion[] = [
  { file: "docs/guide/uploads.md", marker: "batch-states", render: () => stateTable(batchTransitions) },
  { file: "docs/guide/tasks.md", marker: "task-states", render: () => stateTable(taskTransitions) },
];

interface Transition {
  readonly from: readonly string[];
  readonly to: string;
  readonly when: string;
}

function stateTable(transitions: Readonly<Record<string, Transition>>): string {
  return table(
    ["From", "To", "When"],
    Object.values(transitions).map(({ from, to, when }) => [from.map(code).join(", "), code(to), when]),
  );
}

export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(header), line(header.map(() => "---")), ...rows.map(line)].join("\n");
}

export const code = (text: string) => `\`${text}\``;

const END = "<!-- /generated -->";
const root = resolve(import.meta.dirname, "../..");

/** Returns the page as it is on disk and as `npm run docs` would write it. */
export function compare({ file, marker, render }: GeneratedRegion): { current: string; expected: string } {
  const current = readFileSync(resolve(root, file), "utf8");
  const [before, rest] = splitAfter(current, `<!-- generated: ${marker} -->`, file);
  const [region] = splitAfter(rest, END, file);
  const after = rest.slice(region.length);
  return { current, expected: `${before}\n\n${render()}\n\n${END}${after}` };
}

function splitAfter(text: string, separator: string, file: string): [before: string, after: string] {
  const at = text.indexOf(separator);
  if (at === -1) throw new Error(`${file} has no "${separator}".`);
  return [text.slice(0, at + separator.length), text.slice(at + separator.length)];
}

if (import.meta.main)
  for (const region of regions) writeFileSync(resolve(root, region.file), compare(region).expected);
