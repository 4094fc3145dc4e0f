/** Checks a definition against its table and the tables of its lookups, when an administrator saves it. */
import type { Context } from "../../../context.ts";
import type { FieldErrors } from "../../../errors.ts";
import type { BatchMode } from "../../../schema/batches.ts";
import type { Definition } from "../../definition/definition.ts";
import type { TableDestination } from "../../definition/destination.ts";
import { whyTableRefused } from "../access/allowed-tables.ts";
import { findUntrusted, type TableName } from "../access/find-untrusted.ts";
import { missingGrants, readTargetRole } from "../access/target-role.ts";
import { readTable } from "../read/read-table.ts";
import { SUPPORTED_KINDS, type TableFacts } from "../read/table-facts.ts";
import { notesOf } from "../read/table-notes.ts";
import { tableName } from "../read/texts.ts";
import { checkDatabaseTypes } from "./check-database-types.ts";
import { checkColumns } from "./check-table-columns.ts";
import { checkLookups } from "./check-table-lookups.ts";
import { add, type Found, type Use } from "./found-problems.ts";

export interface CheckedDestination {
  /** By the path of the field; empty: the definition fits. */
  readonly errors: FieldErrors;
  /** Facts that the administrator should know. */
  readonly notes: readonly string[];
}

const TABLE = "destination.table";
const MAX_UNTRUSTED = 10;

/** The definition is valid in itself (columns/check-columns.ts). */
export async function checkTableDestination(
  ctx: Context,
  definition: Definition,
): Promise<CheckedDestination> {
  const { destination } = definition;
  if (destination.type !== "table") return { errors: {}, notes: [] };
  const refused = whyTableRefused(ctx.config, destination);
  if (refused) return failing(TABLE, refused);
  const facts = await readTable(ctx, destination.schema, destination.table);
  const unusable = await whyUnusable(ctx, destination, facts);
  if (unusable || !facts) return failing(TABLE, unusable ?? "");
  const use = useOf(definition, facts);
  const lookups = await checkLookups(ctx, definition, facts);
  const found: Found = { errors: new Map(), notes: [...notesOf(facts)] };
  checkPrivileges(ctx, facts, use, found);
  checkColumns(definition, facts, use, found);
  await checkDatabaseTypes(ctx, definition, found);
  checkKey(definition, facts, found);
  checkUndo(definition, use, found);
  for (const [field, messages] of lookups)
    found.errors.set(field, [...(found.errors.get(field) ?? []), ...messages]);
  const untrusted = await findUntrusted(ctx, [destination, ...lookupTables(ctx, definition)]);
  if (untrusted.length > 0) {
    const texts = untrusted.slice(0, MAX_UNTRUSTED).map(({ text }) => text);
    found.errors.set(TABLE, [...(found.errors.get(TABLE) ?? []), ...texts]);
  }
  return { errors: Object.fromEntries(found.errors), notes: found.notes };
}

function useOf({ mode, undo, key }: Definition, { keys }: TableFacts): Use {
  const modes: readonly BatchMode[] = mode?.allowed ?? ["insert"];
  return {
    inserts: modes.some((each) => each !== "update"),
    updates: modes.includes("upsert") || modes.includes("update"),
    isUndoable: undo !== "none" && (key !== undefined || keys.some(({ isPrimary }) => isPrimary)),
  };
}

function failing(field: string, message: string): CheckedDestination {
  return { errors: { [field]: [message] }, notes: [] };
}

/** Tables that TARGET_TABLES does not allow are errors anyway. */
export function lookupTables({ config }: Context, { columns }: Definition): TableName[] {
  return columns.flatMap(({ lookup }) =>
    lookup && whyTableRefused(config, lookup) === null ? [lookup] : [],
  );
}

/** Returns why rows cannot be written into what has this name, whatever the privileges are; null: they can. */
export function whyUnwritable(facts: TableFacts): string | null {
  const name = tableName(facts);
  if (!SUPPORTED_KINDS.some((kind) => kind === facts.kind))
    return `${name} is a ${facts.kind}. Rows are written into tables only.`;
  if (facts.rules.length === 0) return null;
  return `${name} has rules (${facts.rules.join(", ")}), so PostgreSQL does not report which rows it wrote. Use triggers instead.`;
}

async function whyUnusable(
  ctx: Context,
  destination: TableDestination,
  facts: TableFacts | null,
): Promise<string | null> {
  const name = tableName(destination);
  if (!facts) return `the database has no table ${name}.`;
  const unwritable = whyUnwritable(facts);
  if (unwritable) return unwritable;
  const { canSet, statements } = await readTargetRole(ctx);
  if (canSet) return null;
  return `Rowmill may not use the role of TARGET_ROLE. As an administrator of the database, run: ${statements.join("; ")};`;
}

function checkPrivileges({ config }: Context, facts: TableFacts, use: Use, found: Found): void {
  const grants = missingGrants(facts, config.tableTargets.role, {
    insert: use.inserts,
    update: use.updates,
    delete: use.inserts && use.isUndoable,
  });
  if (grants.length === 0) return;
  const ways =
    use.isUndoable && grants.some((grant) => grant.includes("DELETE"))
      ? ' Undo needs DELETE; or set `undo` to "none".'
      : "";
  add(found, TABLE, `the role may not use it. As its owner, run: ${grants.join("; ")};${ways}`);
}

function checkKey({ key, columns }: Definition, facts: TableFacts, found: Found): void {
  if (!key) return;
  const wanted = key.columns.map((name) => {
    const column = columns.find((each) => each.name === name);
    return column?.to ?? name;
  });
  const isSame = (other: readonly string[]) =>
    other.length === wanted.length && wanted.every((name) => other.includes(name));
  const matching = facts.keys.filter((each) => isSame(each.columns));
  if (matching.some(({ usable }) => usable)) return;
  const [unusable] = matching;
  const usable = facts.keys.filter((each) => each.usable).map((each) => each.columns.join(" and "));
  const reason = unusable
    ? `the unique index ${unusable.name} cannot be used, because it ${unusable.why}.`
    : `no unique constraint or index of ${tableName(facts)} has exactly these columns.`;
  const ways =
    usable.length > 0
      ? `Possible keys: ${usable.join("; ")}.`
      : "Add a unique constraint to the table, or leave the key out.";
  add(found, "key.columns", `${reason} ${ways}`);
}

function checkUndo({ undo }: Definition, { isUndoable }: Use, found: Found): void {
  if (isUndoable || undo === "none") return;
  if (undo !== undefined)
    add(
      found,
      "undo",
      "needs a `key`, or a primary key of the table: without both, records cannot be found again. Set it to none.",
    );
  else found.notes.push("Batches cannot be undone, because neither the target nor the table has a key.");
}
