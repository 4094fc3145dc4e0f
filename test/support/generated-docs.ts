/** The parts of docs/ that are generated from the code. `npm run docs` writes them, test/docs.test.ts compares them. */
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { AUDIT_ACTIONS } from "../../src/audit/actions.ts";
import { transitions as batchTransitions } from "../../src/batches/state.ts";
import { Settings } from "../../src/config/settings.ts";
import { LegacySettings } from "../../src/legacy/shared/settings.ts";
import { transitions as taskTransitions } from "../../src/tasks/state.ts";
import { checksOf, fileOf, howChecked, numbered, services } from "../legacy/contract/capabilities.ts";

interface GeneratedRegion {
  /** The page, from the root of the repository. */
  readonly file: string;
  /** The region stands between the comments `generated: marker` and `/generated`. */
  readonly marker: string;
  readonly render: () => string;
}

export const regions: readonly GeneratedRegion[] = [
  { file: "docs/guide/uploads.md", marker: "batch-states", render: () => stateTable(batchTransitions) },
  { file: "docs/guide/tasks.md", marker: "task-states", render: () => stateTable(taskTransitions) },
  { file: "docs/architecture.md", marker: "batch-diagram", render: () => stateDiagram(batchTransitions) },
  { file: "docs/architecture.md", marker: "task-diagram", render: () => stateDiagram(taskTransitions) },
  { file: "docs/operations/audit.md", marker: "audit-actions", render: actionTable },
  { file: "docs/operations/configuration.md", marker: "settings", render: settingsTable },
  { file: ".env.example", marker: "settings", render: settingsFile },
  { file: "docs/operations/scaling.md", marker: "workers", render: workerTable },
  { file: "docs/migrating.md", marker: "capability-counts", render: capabilityCounts },
  { file: "docs/migrating.md", marker: "capabilities", render: capabilityTables },
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

/** In Mermaid: an arrow per edge from each of its states. The first edge of the table leads out of the first state. */
function stateDiagram(transitions: Readonly<Record<string, Transition>>): string {
  const edges = Object.entries(transitions);
  const [first] = edges[0]?.[1].from ?? [];
  const arrows = edges.flatMap(([name, { from, to }]) => from.map((state) => `${state} --> ${to}: ${name}`));
  return [
    "```mermaid",
    "stateDiagram-v2",
    ...[`[*] --> ${first}`, ...arrows].map((line) => `  ${line}`),
    "```",
  ].join("\n");
}

function actionTable(): string {
  return table(
    ["Action", "What has happened"],
    Object.entries(AUDIT_ACTIONS).map(([name, description]) => [code(name), description]),
  );
}

interface Setting {
  readonly default: string | number;
  readonly description: string;
  readonly minimum?: number;
  readonly maximum?: number;
}

/** A schema is JSON; its TypeScript type does not have the keywords. */
const schemas: Record<string, Setting> = JSON.parse(
  JSON.stringify({ ...Settings.properties, ...LegacySettings.properties }),
);
const settings = Object.entries(schemas);

function settingsTable(): string {
  return table(
    ["Variable", "Default", "Range", "Meaning"],
    settings.map(([name, setting]) => [
      code(name),
      setting.default === "" ? "" : code(String(setting.default)),
      rangeOf(setting),
      setting.description,
    ]),
  );
}

function rangeOf({ minimum, maximum }: Setting): string {
  if (minimum === undefined) return "";
  return maximum === undefined ? `${minimum} or more` : `${minimum} to ${maximum}`;
}

/** For settings without a default that an empty value would not explain. */
const EXAMPLES: Readonly<Record<string, string>> = {
  DATABASE_URL: "postgres://rowmill:password@localhost:5432/rowmill",
  JWT_SECRET: "output-of-openssl-rand-base64-48",
};

function settingsFile(): string {
  const lines = settings.map(
    ([name, setting]) => `# ${setting.description}\n#${name}=${EXAMPLES[name] ?? setting.default}`,
  );
  return lines.join("\n\n");
}

/** From the results of the benchmark, so that the two pages never disagree. */
function workerTable(): string {
  const results = readFileSync(resolve(root, "docs/operations/benchmark.md"), "utf8");
  const measured = [...results.matchAll(/^([\d,]+ rows), (\d) worker\(s\), rows a second +([\d,]+)$/gm)];
  if (measured.length === 0) throw new Error("benchmark.md has no figures for workers.");
  return table(
    ["Import of", "Workers", "Rows per second, end to end"],
    measured.map(([, rows = "", workers = "", speed = ""]) => [rows, workers, speed]),
  );
}

function capabilityCounts(): string {
  return table(
    ["Service", "Capabilities", "Replayed", "Other tests", "Missing"],
    services.map((service) => {
      const checks = service.capabilities.map(howChecked);
      const count = (how: string) => String(checks.filter((check) => check === how).length);
      return [
        `${service.id}: ${service.name}`,
        String(checks.length),
        count("replayed"),
        count("other test"),
        count("missing"),
      ];
    }),
  );
}

function capabilityTables(): string {
  const parts = services.map((service) => {
    const rows = numbered(service).map(([number, capability]) => {
      const { text, instead } = capability;
      return [number, instead === undefined ? text : `${text} Rowmill: ${instead}`, checksOf(capability)];
    });
    return [
      `### ${service.id}: ${service.name}`,
      `Replayed by \`test/${fileOf(service)}\`.`,
      table(["Number", "Capability", "Checked by"], rows),
    ].join("\n\n");
  });
  return parts.join("\n\n");
}

export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(header), line(header.map(() => "---")), ...rows.map(line)].join("\n");
}

export const code = (text: string) => `\`${text}\``;

const root = resolve(import.meta.dirname, "../..");

/** Returns the page as it is on disk and as `npm run docs` would write it. */
export function compare({ file, marker, render }: GeneratedRegion): { current: string; expected: string } {
  const comment = (text: string) => (file.endsWith(".md") ? `<!-- ${text} -->` : `# ${text}`);
  const end = comment("/generated");
  const current = readFileSync(resolve(root, file), "utf8");
  const [before, rest] = splitAfter(current, comment(`generated: ${marker}`), file);
  const [region] = splitAfter(rest, end, file);
  const after = rest.slice(region.length);
  return { current, expected: `${before}\n\n${render()}\n\n${end}${after}` };
}

function splitAfter(text: string, separator: string, file: string): [before: string, after: string] {
  const at = text.indexOf(separator);
  if (at === -1) throw new Error(`${file} has no "${separator}".`);
  return [text.slice(0, at + separator.length), text.slice(at + separator.length)];
}

if (import.meta.main)
  for (const region of regions) writeFileSync(resolve(root, region.file), compare(region).expected);
