/** A copy of the sources with targets whose rows end or hold up the process that handles them. */
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { checkout } from "./commands.ts";

const TARGET = `
import Type from "typebox";
import { created } from "../outcomes.ts";
import type { RowTarget, SetTarget } from "../target.ts";

const columns = Type.Object({ name: Type.String({ minLength: 1 }) });

function spring(trap: string): void {
  if (trap === "killed") process.kill(process.pid, "SIGKILL");
  if (trap === "exits") process.exit(3);
  if (trap === "throws") throw new TypeError("not the fault of a statement");
  if (trap === "heap") for (const held: unknown[] = []; ; ) held.push(Array(1e6).fill(held));
}

export const trapsTarget: SetTarget<typeof columns> = {
  name: "traps",
  description: "Rows that end the process.",
  columns,
  aliases: {},
  async write(_tx, _batch, rows) {
    for (const { values } of rows) spring(values.name);
    return rows.map(() => created(1));
  },
};

export const callsTarget: RowTarget<typeof columns> = {
  name: "calls",
  description: "Calls, some of which never return and ignore their signal.",
  columns,
  aliases: {},
  concurrency: 5,
  async handle(_ctx, _batch, { values }) {
    if (values.name === "hangs") await new Promise(() => {});
    return 1;
  },
};
`;

/**
 * The rows \`killed\`, \`exits\` and \`heap\` of the target \`traps\` end the process; the row \`hangs\` of the row-wise target
 * \`calls\` never ends.
 * Call it once per file, because the first program compiles the sources for the others.
 * @returns the folder of the sources
 */
export function useSourcesWithTraps(): string {
  const copy = mkdtempSync(join(tmpdir(), "rowmill-traps-"));
  afterAll(() => rmSync(copy, { recursive: true }));
  for (const name of ["src", "drizzle", "package.json"])
    cpSync(join(checkout, name), join(copy, name), { recursive: true });
  symlinkSync(join(checkout, "node_modules"), join(copy, "node_modules"));
  mkdirSync(join(copy, "src/targets/traps"));
  writeFileSync(join(copy, "src/targets/traps/target.ts"), TARGET);
  appendFileSync(
    join(copy, "src/targets/all.ts"),
    'export { callsTarget, trapsTarget } from "./traps/target.ts";\n',
  );
  return copy;
}
