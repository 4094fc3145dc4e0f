/** Sends many rows to a statement as arrays of their columns, which costs a third of a JSON document with all of them. */
import { type SQL, sql } from "drizzle-orm";

/** The columns of a row: the PostgreSQL type of each, and its value. */
export type GivenColumns<Row> = Readonly<Record<string, readonly [type: string, of: (row: Row) => unknown]>>;

interface Given<Name extends string> {
  /** For FROM: one row each, with the column `place`. Without rows there is nothing to select. */
  readonly from: SQL;
  /** Returns the SQL of a column. One in which all rows agree is sent once. */
  readonly value: (name: Name) => SQL;
}

/** @param key the column that is always an array, so that there is a row for each */
export function givenRows<Row, Columns extends GivenColumns<Row>>(
  rows: readonly Row[],
  columns: Columns,
  key: keyof Columns & string,
): Given<keyof Columns & string> {
  const arrays: SQL[] = [];
  const names: SQL[] = [];
  const shared = new Map<string, SQL>();
  for (const [name, [type, of]] of Object.entries(columns)) {
    const valueIn = (row: Row) => of(row) ?? null;
    const sqlType = sql.raw(type);
    const first = rows[0] && valueIn(rows[0]);
    if (name !== key && rows.every((row) => valueIn(row) === first)) {
      shared.set(name, sql`${first}::${sqlType}`);
    } else {
      arrays.push(sql`${sql.param(rows.map(valueIn))}::${sqlType}[]`);
      names.push(sql`${sql.identifier(name)}`);
    }
  }
  const from = sql`unnest(${sql.join(arrays, sql`, `)}) WITH ORDINALITY AS given (${sql.join(names, sql`, `)}, place)`;
  return { from, value: (name) => shared.get(name) ?? sql`given.${sql.identifier(name)}` };
}
