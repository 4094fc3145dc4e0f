/**
 * Creates the records of many rows with one statement from one text per column. If a row could do anything but create a
 * record, nothing is written, and `writeTable` writes all of them.
 */
import { type SQL, sql } from "drizzle-orm";
import type { Tx } from "../../../context.ts";
import type { CreatedRecords, NewRecords } from "../../new-records.ts";
import type { CheckedRow, TargetBatch, Values } from "../../target.ts";
import { withTargetRole } from "../access/with-role.ts";
import type { TableWriter } from "./table-outcomes.ts";
import { hasIdentity, type PlanColumn, type TablePlan } from "./table-plan.ts";
import { uniqueColumnsOf } from "./unique-values.ts";
import { withDefaults } from "./update-mode.ts";

type Check = (fields: readonly string[], row: number) => CheckedRow<Values>;

/** Texts with this character between them are one text. PostgreSQL takes an array of as many texts apart in twice the time. */
const SEPARATOR = "\x1f";
/** Stands for null between separators. Rows with an empty text are therefore written by `writeTable`. */
const NULL = "";

/** @returns null: rows of the batch may do more than create records */
export function newTableRecords(writer: TableWriter, { mode }: TargetBatch, check: Check): NewRecords | null {
  const { definition, plan } = writer;
  const hasMoreToDo =
    mode === "update" ||
    plan.hasOwnKeyEquality ||
    definition.columns.some(({ lookup }) => lookup !== undefined) ||
    uniqueColumnsOf(definition).length > 0;
  return hasMoreToDo ? null : new NewTableRecords(writer, mode === "upsert", check);
}

class NewTableRecords implements NewRecords {
  readonly #writer: TableWriter;
  /** Whether rules about several columns decide if a record can be created. `check` leaves them to the writer in `upsert`. */
  readonly #checksNew: boolean;
  /**
   * Whether an INSERT of `upsert` may succeed although a record has the key: a trigger may change the key or remove that
   * record, and the record may be in a table that inherits from this one.
   */
  readonly #looksForKeys: boolean;
  readonly #check: Check;
  /** The default in the definition of each column of the plan. */
  readonly #defaults: readonly (string | null | undefined)[];
  readonly #rows: number[] = [];
  /** In the form by which `groupByKey` sorts. */
  readonly #keys: string[] = [];
  /** The texts of each column of the plan. */
  readonly #texts: string[][];
  readonly #isGiven: boolean[];
  /** Per row, the positions of the columns that it leaves to their defaults. */
  readonly #leftOut: string[] = [];
  /** Whether a row may do more than create a record, so that `writeTable` must write all of them. */
  #needsWrite = false;

  constructor(writer: TableWriter, isUpsert: boolean, check: Check) {
    this.#writer = writer;
    this.#checksNew = isUpsert && (writer.definition.rules ?? []).length > 0;
    this.#looksForKeys = isUpsert && (writer.plan.skips.insert || writer.facts.children.length > 0);
    this.#check = check;
    this.#defaults = writer.plan.columns.map(({ name }) =>
      Object.hasOwn(writer.defaults, name) ? writer.defaults[name] : undefined,
    );
    this.#texts = writer.plan.columns.map(() => []);
    this.#isGiven = writer.plan.columns.map(() => false);
  }

  add(row: number, fields: readonly string[]): void {
    if (this.#needsWrite) return;
    const checked = this.#check(fields, row);
    if ("values" in checked) this.#needsWrite = !this.#addValues(row, checked.values);
  }

  /** @returns whether the row does nothing but create a record */
  #addValues(row: number, values: Values): boolean {
    const { plan, checkNew } = this.#writer;
    if (this.#checksNew && checkNew(withDefaults(this.#writer, { row, values }).values).length > 0)
      return false;
    let leftOut = "";
    for (let index = 0; index < plan.columns.length; index++) {
      const { name, hasDefault, isKey } = plan.columns[index] as PlanColumn;
      const value = values[name] === undefined ? this.#defaults[index] : values[name];
      if (value === NULL || (isKey && values[name] == null)) return false;
      if (value !== undefined) this.#isGiven[index] = true;
      else if (hasDefault) leftOut += `${index},`;
      this.#texts[index]?.push(value ?? NULL);
    }
    this.#rows.push(row);
    this.#leftOut.push(leftOut);
    if (plan.key.length > 0) this.#keys.push(JSON.stringify(plan.key.map(({ name }) => values[name])));
    return true;
  }

  async create(tx: Tx): Promise<CreatedRecords | null> {
    if (this.#needsWrite) return null;
    const inserts = this.#inserts();
    if (inserts?.length === 0) return { rows: [], identities: null };
    return inserts && withTargetRole(tx, this.#writer.plan.schema, () => insertAll(tx, inserts));
  }

  /** One per set of columns that rows leave out. Null: only `write` can write the rows. */
  #inserts(): Insert[] | null {
    const order = orderByKey(this.#keys, this.#rows.length);
    if (!order) return null;
    const inserts: Insert[] = [];
    for (const positions of Map.groupBy(order, (position) => this.#leftOut[position]).values()) {
      const insert = this.#insert(positions);
      if (!insert) return null;
      inserts.push(insert);
    }
    for (const texts of this.#texts) texts.length = 0;
    return inserts;
  }

  #insert(positions: readonly number[]): Insert | null {
    const { plan } = this.#writer;
    const [first = 0] = positions;
    const leftOut = new Set(this.#leftOut[first]?.split(","));
    const given: { column: PlanColumn; text: string }[] = [];
    for (const [index, column] of plan.columns.entries()) {
      if (!this.#isGiven[index] || leftOut.has(String(index))) continue;
      const texts = this.#texts[index] ?? [];
      const text = positions.map((position) => texts[position]).join(SEPARATOR);
      if (countSeparators(text) !== positions.length - 1) return null;
      given.push({ column, text });
    }
    if (given.length === 0) return null;
    return {
      statement: insertStatement(plan, given, this.#looksForKeys ? isNew(plan, given) : null),
      rows: positions.map((position) => this.#rows[position] ?? 0),
    };
  }
}

/**
 * The order in which all transactions write (`groupByKey`).
 * @param keys empty: the records have none
 * @returns positions; null: two rows have the same key
 */
function orderByKey(keys: readonly string[], count: number): number[] | null {
  if (keys.length === 0) return Array.from({ length: count }, (_, position) => position);
  const positions = new Map(keys.map((key, position) => [key, position]));
  return positions.size < count ? null : keys.toSorted().map((key) => positions.get(key) ?? 0);
}

function countSeparators(text: string): number {
  let count = 0;
  for (let at = text.indexOf(SEPARATOR); at !== -1; at = text.indexOf(SEPARATOR, at + 1)) count++;
  return count;
}

interface Insert {
  readonly statement: SQL;
  readonly rows: readonly number[];
}

/** SQL: whether no record has the key of the row. The planner cannot turn it into a join, which might read the whole table. */
function isNew(plan: TablePlan, given: readonly { readonly column: PlanColumn }[]): string {
  const cellOf = (index: number) =>
    `cells.v${given.findIndex(({ column }) => column.to === plan.identity[index]?.to)}`;
  return `(SELECT true FROM ${plan.table} AS t WHERE ${hasIdentity(plan, cellOf)} LIMIT 1) IS NULL`;
}

/** PostgreSQL returns one row: 2500 of them would take the process longer than their texts. */
function insertStatement(
  plan: TablePlan,
  given: readonly { readonly column: PlanColumn; readonly text: string }[],
  condition: string | null,
): SQL {
  const separator = sql.raw(`E'\\x${SEPARATOR.charCodeAt(0).toString(16)}'`);
  const columns = given.map(({ column }) => column.quoted).join(", ");
  const values = given.map(({ column }, index) => `v${index}::${column.type}`).join(", ");
  const texts = given.map(
    ({ text }, index) =>
      sql`unnest(string_to_array(${text}::text, ${separator}, ${sql.raw(`'${NULL}'`)})) AS ${sql.raw(`v${index}`)}`,
  );
  return sql`
    WITH written AS (
      INSERT INTO ${sql.raw(`${plan.table} AS t (${columns})`)}
      SELECT ${sql.raw(values)} FROM (SELECT ${sql.join(texts, sql`, `)} OFFSET 0) AS cells
      ${sql.raw(condition === null ? "" : `WHERE ${condition}`)}
      RETURNING ${recordKeySql(plan)} AS key, ${sql.raw(plan.version)} AS version
    )
    SELECT count(*)::int AS count, string_agg(key, E'\\n') AS keys, string_agg(version, E'\\n') AS versions FROM written`;
}

/** The same text as `recordKeyOf`, in which names that are numbers come first. JSON has no line breaks within a text. */
function recordKeySql({ identity }: TablePlan): SQL {
  if (identity.length === 0) return sql`NULL::text`;
  const quotedOf = Object.fromEntries(identity.map(({ to, quoted }) => [to, quoted]));
  const members = Object.entries(quotedOf).map(
    ([to, quoted], index) =>
      sql`${`${index === 0 ? "{" : ","}${JSON.stringify(to)}:`}::text || coalesce(to_json(${sql.raw(`t.${quoted}`)}::text)::text, 'null')`,
  );
  return sql`${sql.join(members, sql` || `)} || '}'`;
}

interface Written extends Record<string, unknown> {
  readonly count: number;
  readonly keys: string | null;
  readonly versions: string | null;
}

async function insertAll(tx: Tx, inserts: readonly Insert[]): Promise<CreatedRecords> {
  const keys: string[] = [];
  const versions: string[] = [];
  for (const { statement, rows } of inserts) {
    const { rows: results } = await tx.db.execute<Written>(statement);
    const [written] = results;
    if (written?.count !== rows.length)
      throw new Error("Records of some rows exist, or a trigger skipped them.");
    if (written.keys !== null) keys.push(written.keys);
    if (written.versions !== null) versions.push(written.versions);
  }
  const hasIdentity = keys.length > 0;
  return {
    rows: inserts.flatMap(({ rows }) => rows),
    identities: hasIdentity ? { keys: keys.join("\n"), versions: versions.join("\n") } : null,
  };
}
