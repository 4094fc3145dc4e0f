/** The rows that statements of the API read, as PostgreSQL counts them. */
import type pg from "pg";
import type { Rowmill } from "./rowmill.ts";

interface PlanNode {
  readonly "Node Type": string;
  readonly "Actual Rows": number;
  readonly "Actual Loops": number;
  readonly "Rows Removed by Filter"?: number;
  readonly "Rows Removed by Index Recheck"?: number;
  readonly "Relation Name"?: string;
  readonly "Index Name"?: string;
  readonly "Exact Heap Blocks"?: number;
  readonly "Lossy Heap Blocks"?: number;
  readonly Plans?: readonly PlanNode[];
}

export interface Statement {
  readonly text: string;
  readonly values: unknown[];
}

/** Records the statements with which the API reads lists, in and outside of transactions. @returns the statements so far */
export function recordReads({ ctx }: Rowmill): Statement[] {
  const statements: Statement[] = [];
  const recorded = new WeakSet<pg.PoolClient>();
  const record = (client: pg.PoolClient) => {
    if (recorded.has(client)) return;
    recorded.add(client);
    const query = client.query.bind(client) as (...given: unknown[]) => unknown;
    client.query = ((...given: unknown[]) => {
      const [statement, values] = given;
      const { text, values: own } =
        typeof statement === "string" ? { text: statement, values: [] } : (statement as Partial<Statement>);
      if (text && /^\s*(SELECT|WITH)\b/i.test(text) && !/\b(INSERT|UPDATE|DELETE)\b/i.test(text))
        statements.push({ text, values: Array.isArray(values) ? values : (own ?? []) });
      return query(...given);
    }) as typeof client.query;
  };
  for (const pool of new Set([ctx.pool, ctx.reads.pool])) pool.on("acquire", record);
  return statements;
}

export interface RowsRead {
  readonly rows: number;
  /** Each scan that read rows, such as `tasks tasks_number 40000`. */
  readonly scans: readonly string[];
}

/** Executes the statement again and counts the rows that its scans read, also those that did not match. */
export async function countRowsRead(
  pool: Pick<pg.PoolClient, "query">,
  { text, values }: Statement,
): Promise<RowsRead> {
  const { rows } = await pool.query(
    `EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, FORMAT JSON) ${text}`,
    values,
  );
  const scans = scansIn(rows[0]["QUERY PLAN"][0].Plan);
  return {
    rows: scans.reduce((sum, scan) => sum + scan.rows, 0),
    scans: scans.filter((scan) => scan.rows > 0).map(({ name, rows: count }) => `${name} ${count}`),
  };
}

/**
 * Executes the statements again, except those that change settings, and counts the rows that each of them reads. Such a statement
 * is the first of a transaction, and applies to the next one.
 */
export async function countRowsOfAll(
  pool: pg.Pool,
  statements: readonly Statement[],
): Promise<(RowsRead & { readonly statement: Statement })[]> {
  const counted: (RowsRead & { statement: Statement })[] = [];
  const client = await pool.connect();
  let settings: Statement | undefined;
  // A copy, because these statements are recorded as well.
  for (const statement of [...statements]) {
    if (statement.text.includes("set_config")) {
      settings = statement;
      continue;
    }
    await client.query("BEGIN");
    if (settings) await client.query(settings.text, settings.values);
    counted.push({ ...(await countRowsRead(client, statement)), statement });
    await client.query("ROLLBACK");
    settings = undefined;
  }
  client.release();
  return counted;
}

function scansIn(node: PlanNode): { name: string; rows: number }[] {
  // A BRIN index finds blocks, and PostgreSQL shows ten rows for each of them, whether they are read or not.
  const hasOnlyBlocks = node["Exact Heap Blocks"] === 0 && (node["Lossy Heap Blocks"] ?? 0) > 0;
  const below = hasOnlyBlocks ? [] : (node.Plans ?? []).flatMap(scansIn);
  const { "Relation Name": table, "Index Name": index } = node;
  if (table === undefined && index === undefined) return below;
  const perLoop =
    node["Actual Rows"] +
    (node["Rows Removed by Filter"] ?? 0) +
    (node["Rows Removed by Index Recheck"] ?? 0);
  return [
    {
      name: `${table ?? ""} ${index ?? node["Node Type"]}`.trim(),
      rows: Math.round(perLoop * node["Actual Loops"]),
    },
    ...below,
  ];
}
