/** The rows that statements of the API read, as PostgreSQL counts them. */
import type pg from "pg";
import type { Rowmill } from "../rowmill.ts";

interface PlanNode {
  readonly "Node Type": string;
  readonly "Actual Rows": number;
  readonly "Actual Loops": number;
  readonly "Rows Removed by Filter"?: number;
  readonly "Rows Removed by Index Recheck"?: number;
  readonly "Relation Name"?: string;
  readonly "Index Name"?: string;
  readonly Plans?: readonly PlanNode[];
}

export interface Statement {
  readonly text: string;
  readonly values: unknown[];
}

type Query = (
  statement: string | { text: string; values?: unknown[] },
  values?: unknown[],
) => Promise<unknown>;

/** Records the statements with which the API reads lists. @returns the statements so far */
export function recordReads({ ctx }: Rowmill): Statement[] {
  const statements: Statement[] = [];
  const pool = ctx.reads.pool;
  const query = pool.query.bind(pool) as Query;
  pool.query = ((statement: Parameters<Query>[0], values?: unknown[]) => {
    const text = typeof statement === "string" ? statement : statement.text;
    const given = values ?? (typeof statement === "string" ? [] : statement.values) ?? [];
    if (/^\s*(SELECT|WITH)\b/i.test(text)) statements.push({ text, values: given });
    return query(statement, values);
  }) as typeof pool.query;
  return statements;
}

export interface RowsRead {
  readonly rows: number;
  /** Each scan that read rows, such as `tasks tasks_number 40000`. */
  readonly scans: readonly string[];
}

/** Executes the statement again and counts the rows that its scans read, also those that did not match. */
export async function countRowsRead(pool: pg.Pool, { text, values }: Statement): Promise<RowsRead> {
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

function scansIn(node: PlanNode): { name: string; rows: number }[] {
  const below = (node.Plans ?? []).flatMap(scansIn);
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
