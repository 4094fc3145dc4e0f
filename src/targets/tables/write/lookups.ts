/** Replaces the cells of lookup columns by the values of the records that they name. */
import { sql } from "drizzle-orm";
import type { Tx } from "../../../context.ts";
import { MustPause } from "../../../errors.ts";
import { postgresError } from "../../../platform/postgres/database.ts";
import { isStatementTrouble, SQLSTATE } from "../../../platform/sqlstates.ts";
import type { RowError } from "../../../schema/batches.ts";
import type { Definition } from "../../definition/definition.ts";
import type { Lookup } from "../../definition/lookup.ts";
import type { TargetRow, Values } from "../../target.ts";
import type { TableName } from "../access/find-untrusted.ts";
import { withTargetRole } from "../access/with-role.ts";
import { quoteName } from "../read/quote-name.ts";
import { CORRECT_THEN_RESUME, shortened, tableName } from "../read/texts.ts";

export interface LookedUp<Row> {
  /** In the order of the rows. */
  readonly rows: readonly Row[];
  readonly failures: ReadonlyMap<number, readonly RowError[]>;
}

/**
 * Resolves the different cells of all rows with one query per lookup column, and a further one for each further column
 * to match. The records are not locked: FOR KEY SHARE needs the privilege to update them. A foreign key holds them anyway;
 * without one, a record may be removed after the look-up as well as after the commit.
 */
export async function resolveLookups<Row extends Pick<TargetRow<Values>, "row" | "values">>(
  tx: Tx,
  definition: Pick<Definition, "columns">,
  rows: readonly Row[],
): Promise<LookedUp<Row>> {
  const columns = definition.columns.flatMap(({ name, type, lookup }) =>
    type === "lookup" && lookup ? [{ name, lookup }] : [],
  );
  const errors = new Map<number, RowError[]>();
  let resolved: readonly Row[] = rows;
  for (const { name, lookup } of columns) {
    const texts = new Set(resolved.flatMap(({ values }) => values[name] ?? []));
    if (texts.size === 0) continue;
    const matches = await withTargetRole(tx, lookup.schema, () => findMatches(tx, lookup, [...texts]));
    resolved = resolved.map((row) => {
      const text = row.values[name];
      if (text === null || text === undefined) return row;
      const match = matches.get(text);
      const error = errorOf(name, text, lookup, match);
      if (error) errors.set(row.row, [...(errors.get(row.row) ?? []), error]);
      return { ...row, values: { ...row.values, [name]: match?.value ?? null } };
    });
  }
  return { rows: resolved.filter(({ row }) => !errors.has(row)), failures: errors };
}

interface Match {
  /** The smallest value. */
  readonly value: string;
  readonly isAlone: boolean;
}

/** @returns by text; the first column to match that has a record counts */
async function findMatches(
  tx: Tx,
  lookup: Lookup,
  texts: readonly string[],
): Promise<ReadonlyMap<string, Match>> {
  const matches = new Map<string, Match>();
  for (const column of lookup.match) {
    const open = texts.filter((text) => !matches.has(text));
    if (open.length === 0) break;
    for (const [text, match] of await matchColumn(tx, lookup, column, open)) matches.set(text, match);
  }
  return matches;
}

async function matchColumn(
  tx: Tx,
  { schema, table, value, ignore_case = false }: Lookup,
  column: string,
  texts: readonly string[],
): Promise<Map<string, Match>> {
  const from = sql.raw(`${quoteName(schema)}.${quoteName(table)} AS o`);
  const cell = sql.raw(`o.${quoteName(column)}::text`);
  const found = sql.raw(`o.${quoteName(value)}`);
  const isMatch = ignore_case ? sql`lower(${cell}) = lower(wanted.text)` : sql`${cell} = wanted.text`;
  const read = sql`
    SELECT wanted.text, (min(array[${found}]))[1]::text AS value, count(DISTINCT ${found}) = 1 AS "isAlone"
    FROM unnest(${sql.param([...texts])}::text[]) AS wanted (text) JOIN ${from} ON ${isMatch}
    WHERE ${found} IS NOT NULL GROUP BY wanted.text`;
  const { rows } = await tx.db
    .execute<{ text: string; value: string; isAlone: boolean }>(read)
    .catch((error) => refuseToRead({ schema, table }, error));
  return new Map(rows.map(({ text, ...match }) => [text, match]));
}

/** The fault is not that of a row. @throws MustPause if no row can succeed */
function refuseToRead(other: TableName, error: unknown): never {
  const { code = "", message } = postgresError(error) ?? {};
  if (code !== SQLSTATE.insufficientPrivilege && !isStatementTrouble(code)) throw error;
  throw new MustPause(
    `PostgreSQL refuses to look up values in ${tableName(other)}: ${message}. ${CORRECT_THEN_RESUME}`,
  );
}

function errorOf(name: string, text: string, lookup: Lookup, match: Match | undefined): RowError | null {
  const columns = lookup.match.join(" or ");
  const shown = shortened(text);
  if (!match && (lookup.on_missing ?? "fail") === "fail") {
    const message = `${name} "${shown}": no record of ${lookup.schema}.${lookup.table} has this ${columns}`;
    return { column: name, code: "lookup_missing", message };
  }
  if (match && !match.isAlone && (lookup.on_many ?? "fail") === "fail") {
    const message = `${name} "${shown}": several records of ${lookup.schema}.${lookup.table} have this ${columns}`;
    return { column: name, code: "lookup_ambiguous", message };
  }
  return null;
}
