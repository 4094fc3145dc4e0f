/** The plans of the statements that a verb really executes. */
import { randomUUID } from "node:crypto";
import type { NodePgClient } from "drizzle-orm/node-postgres";
import { newBatchId } from "../../src/batches/ids.ts";
import type { Context } from "../../src/context.ts";
import { databaseOn } from "../../src/platform/postgres/database.ts";
import type { Client } from "./client.ts";
import type { Rowmill } from "./rowmill.ts";

interface PlanNode {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Index Name"?: string;
  readonly "Index Cond"?: string;
  readonly Filter?: string;
  readonly "Join Filter"?: string;
  readonly Plans?: readonly PlanNode[];
}

export interface Plans extends Context, AsyncDisposable {
  /**
   * Returns each way in which the statements so far read a table, such as
   * `books_key (user_id, key)`: an index and the columns of its condition.
   */
  scans(table: string): string[];
  /** Returns the names of the partitions in the plans so far. */
  partitions(): string[];
  /** The number of statements so far, with those that open and end transactions. */
  readonly statements: number;
  /** Returns the conditions of joins that compare each row of one side with each row of the other. */
  readonly joinFilters: readonly string[];
}

/** A context on one connection that explains every statement before it executes it. */
export async function explaining(ctx: Context): Promise<Plans> {
  const client = await ctx.pool.connect();
  const parents = await readParents(client);
  const wholeOf = (name = "") => parents.get(name) ?? name;
  const nodes: PlanNode[] = [];
  let statements = 0;
  const query = async (statement: string | { text: string }, values?: unknown[]) => {
    const text = typeof statement === "string" ? statement : statement.text;
    statements++;
    if (/^\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b/i.test(text)) {
      const { rows } = await client.query(`EXPLAIN (FORMAT JSON) ${text}`, values);
      nodes.push(...flatten(rows[0]["QUERY PLAN"][0].Plan));
    }
    return client.query(statement as string, values);
  };
  const db = databaseOn({ query } as Pick<NodePgClient, "query"> as NodePgClient);
  return {
    ...ctx,
    db,
    [Symbol.asyncDispose]: async () => client.release(),
    scans: (table) =>
      [
        ...new Set(
          nodes
            .filter((node) => wholeOf(node["Relation Name"]) === table)
            .flatMap((node) => scanOf(node, wholeOf)),
        ),
      ].sort(),
    partitions: () => [
      ...new Set(nodes.flatMap((node) => node["Relation Name"] ?? []).filter((name) => parents.has(name))),
    ],
    get statements() {
      return statements;
    },
    get joinFilters() {
      return nodes.flatMap((node) => node["Join Filter"] ?? []);
    },
  };
}

/** The tables and indexes of partitions, with those that they are a part of. */
async function readParents(client: Pick<NodePgClient, "query">): Promise<ReadonlyMap<string, string>> {
  const { rows } = await client.query<{ part: string; whole: string }>(
    `SELECT part.relname AS part, whole.relname AS whole FROM pg_inherits
    JOIN pg_class AS part ON part.oid = inhrelid JOIN pg_class AS whole ON whole.oid = inhparent
    WHERE whole.relnamespace = 'rowmill'::regnamespace`,
  );
  return new Map(rows.map(({ part, whole }) => [part, whole]));
}

function flatten(node: PlanNode): PlanNode[] {
  // The scan of a bitmap's index does not name its table.
  const relation = node["Relation Name"];
  const plans = (node.Plans ?? []).map((plan) =>
    plan["Node Type"] === "Bitmap Index Scan" && relation ? { ...plan, "Relation Name": relation } : plan,
  );
  return [node, ...plans.flatMap(flatten)];
}

/** Nothing for a node that changes rows which the nodes below it have read. */
function scanOf(node: PlanNode, wholeOf: (name: string) => string): string[] {
  const type = node["Node Type"];
  if (type === "Seq Scan") return ["whole table"];
  const index = node["Index Name"];
  if (!index) return [];
  const columns = [...(node["Index Cond"] ?? "").matchAll(/\b([a-z_]+)\)? (?:=|<|>|<=|>=) /g)].map(
    ([, name]) => name,
  );
  return [`${wholeOf(index)} (${[...new Set(columns)].join(", ")})`];
}

/** The planner knows nothing, the tables before the owner had books and batches, or everything. */
export const STATISTICS = ["absent", "stale", "fresh"] as const;
export type Statistics = (typeof STATISTICS)[number];

const TABLES = ["books", "batch_rows", "row_results", "row_history", "records", "chunks", "users", "tasks"];

/** Fills the tables for another owner and then, with as many books and records, for the user. */
export async function fillTables(
  { ctx }: Rowmill,
  user: Client,
  statistics: Statistics,
  rows: number,
): Promise<void> {
  const { pool } = ctx;
  const analyze = () => pool.query(`ANALYZE ${TABLES.map((table) => `rowmill.${table}`).join(", ")}`);
  const fillTargets = async (userId: number) => {
    await pool.query(
      `INSERT INTO rowmill.books (user_id, title, author) SELECT $1, 'Title ' || n, 'Author' FROM generate_series(1, $2::int) AS n`,
      [userId, rows],
    );
    await pool.query(
      `INSERT INTO rowmill.records (user_id, batch_id, row_number, data) SELECT $1, $3, n, '{}' FROM generate_series(1, $2::int) AS n`,
      [userId, rows, randomUUID()],
    );
  };
  const { rows: stored } = await pool.query<{ name: string }>(
    "SELECT relid::text AS name FROM unnest($1::text[]) AS name, pg_partition_tree(format('rowmill.%I', name)) WHERE isleaf",
    [TABLES],
  );
  for (const { name } of stored) await pool.query(`ALTER TABLE ${name} SET (autovacuum_enabled = off)`);
  await fillTargets(user.userId + 1_000_000);
  await pool.query(
    `WITH rows AS (
      INSERT INTO rowmill.batch_rows (batch_id, row_number, fields)
      SELECT $2, n, '["a","b"]' FROM generate_series(2, $1::int) AS n RETURNING *
    )
    INSERT INTO rowmill.row_results (batch_id, row_number, status, attempts, effect, record_id)
    SELECT batch_id, row_number, 'success', 1, 'created', row_number FROM rows`,
    [rows, newBatchId(ctx.now())],
  );
  if (statistics === "stale") await analyze();
  await fillTargets(user.userId);
  if (statistics === "fresh") await analyze();
}
