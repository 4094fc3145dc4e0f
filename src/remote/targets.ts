/** Targets: what rows can become. Administrators define them. */
import { readFile } from "node:fs/promises";
import { type Row, tableOf } from "../cli/table.ts";
import type { RowmillClient, Schemas } from "../client/index.ts";
import { ConfigError } from "../errors.ts";
import { command, flag, text } from "./command.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { print, printJson, type Terminal } from "./terminal.ts";

type Definition = Schemas["TargetDefinition"];

export const targetCommands = [
  command({
    name: "targets",
    usage: "[--json]",
    summary: "List the targets that you may upload for.",
    options: { json: flag },
    async run({ terminal, connect }, { json }) {
      const { items } = await (await connect()).get("/api/v1/targets", { signal: terminal.interrupted });
      await (json ? printJson(terminal, { items }) : print(terminal, tableOf(items.map(targetRow))));
    },
  }),

  command({
    name: "target show",
    usage: "NAME [--version 2]",
    summary: "Show the definition of a target, as JSON.",
    takes: ["NAME"],
    options: { version: text },
    async run({ terminal, connect }, { version }, [name = ""]) {
      const query = version === undefined ? {} : { version: versionOf(version) };
      const request = { path: { name }, query, signal: terminal.interrupted };
      await printJson(terminal, await (await connect()).get("/api/v1/targets/{name}/definition", request));
    },
  }),

  command({
    name: "target propose",
    usage: "--table SCHEMA.TABLE",
    summary: "Propose a definition for a table, as JSON for `target add --file`.",
    details: "Notes about the table are written to standard error. Nothing is saved.",
    options: { table: text },
    async run({ terminal, connect }, { table }) {
      if (table === undefined) throw new ConfigError("--table is missing. Example: --table shop.customers");
      const { definition, notes } = await propose(await connect(), terminal, table);
      showNotes(terminal, notes);
      await printJson(terminal, definition);
    },
  }),

  command({
    name: "target add",
    usage: "NAME (--table SCHEMA.TABLE | --file definition.json)",
    summary: "Define a target, for a table as it is or from a file.",
    takes: ["NAME"],
    options: { table: text, file: text },
    async run({ terminal, connect }, { table, file }, [name = ""]) {
      const definition = await definitionFrom(terminal, await connect(), { table, file });
      const saved = await (await connect()).post("/api/v1/targets", {
        body: { name, ...definition },
        signal: terminal.interrupted,
      });
      if (saved.version === null) throw new ConfigError("The server proposed a definition and saved none.");
      showNotes(terminal, saved.notes);
      await print(terminal, tableOf([definedRow(saved)]));
    },
  }),

  command({
    name: "target update",
    usage: "NAME --file definition.json [--version 2]",
    summary: "Save a new version of a target.",
    details: "With --version, nothing is saved if there is a later version than the one that you changed.",
    takes: ["NAME"],
    options: { file: text, version: text },
    async run({ terminal, connect }, { file, version }, [name = ""]) {
      if (file === undefined)
        throw new ConfigError("--file is missing. `rowmill target show` prints a definition.");
      const saved = await (await connect()).put("/api/v1/targets/{name}", {
        path: { name },
        body: {
          ...(await readDefinition(file)),
          ...(version === undefined ? {} : { version: versionOf(version) }),
        },
        signal: terminal.interrupted,
      });
      showNotes(terminal, saved.notes);
      await print(terminal, tableOf([definedRow(saved)]));
    },
  }),

  command({
    name: "target test",
    usage: "NAME [--json]",
    summary: "Run the example rows of a target as an import would, and write nothing.",
    takes: ["NAME"],
    options: { json: flag },
    async run({ terminal, connect }, { json }, [name = ""]): Promise<ExitCode> {
      const request = { path: { name }, signal: terminal.interrupted };
      const test = await (await connect()).post("/api/v1/targets/{name}/test", request);
      await (json ? printJson(terminal, test) : print(terminal, tableOf(test.rows.map(testedRow))));
      return test.failed === 0 ? EXIT.done : EXIT.failures;
    },
  }),

  command({
    name: "target remove",
    usage: "NAME",
    summary: "Delete a target. Its batches go on.",
    takes: ["NAME"],
    options: {},
    async run({ terminal, connect }, _, [name = ""]) {
      await (await connect()).delete("/api/v1/targets/{name}", {
        path: { name },
        signal: terminal.interrupted,
      });
    },
  }),
];

interface Source {
  readonly table: string | undefined;
  readonly file: string | undefined;
}

async function definitionFrom(
  terminal: Terminal,
  client: RowmillClient,
  { table, file }: Source,
): Promise<Definition> {
  if ((table === undefined) === (file === undefined)) throw new ConfigError("Send either --table or --file.");
  if (file !== undefined) return readDefinition(file);
  return (await propose(client, terminal, table ?? "")).definition;
}

async function propose(client: RowmillClient, terminal: Terminal, from_table: string) {
  const request = { query: { from_table }, signal: terminal.interrupted };
  const proposal = await client.post("/api/v1/targets", request);
  if (proposal.version !== null) throw new ConfigError("The server saved a target and proposed none.");
  return proposal;
}

/** Also reads what `target show` prints. */
async function readDefinition(file: string): Promise<Definition> {
  const content = await readFile(file, "utf8");
  try {
    const read: Definition | { readonly definition: Definition } = JSON.parse(content);
    return "definition" in read ? read.definition : read;
  } catch (cause) {
    throw new ConfigError(`${file} is not JSON.`, { cause });
  }
}

function versionOf(option: string): number {
  const version = Number(option);
  if (Number.isInteger(version) && version > 0) return version;
  throw new ConfigError("--version: must be a whole number from 1.");
}

function showNotes({ stderr }: Terminal, notes: readonly string[]): void {
  for (const note of notes) stderr.write(`Note: ${note}\n`);
}

function targetRow({ name, title, destination, version, modes }: Schemas["Target"]): Row {
  return { name, destination, version, modes: modes.join(" "), title };
}

function definedRow({
  name,
  version,
  definition,
}: {
  name: string;
  version: number;
  definition: Definition;
}): Row {
  return {
    name,
    version,
    destination: definition.destination.type,
    columns: definition.columns.length,
    key: definition.key?.columns.join(" ") ?? null,
  };
}

function testedRow({
  row,
  status,
  effect,
  errors,
}: {
  row: number;
  status: string;
  effect: string | null;
  errors: readonly { message: string }[];
}): Row {
  return { row, status, effect, error: errors.map(({ message }) => message).join("; ") };
}
