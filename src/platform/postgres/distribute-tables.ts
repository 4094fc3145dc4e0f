/**
 * Distributes large tables over the nodes of Citus. Statements about one batch, one owner or one file then stay on one node.
 * Everything else, and pg-boss, stays on the coordinator.
 */
import type pg from "pg";
import { rowmill } from "../../schema/columns.ts";
import type { Log } from "../log.ts";
import { liftTimeLimits } from "./time-limits.ts";

const SCHEMA = rowmill.schemaName;

interface DistributedTable {
  readonly name: string;
  /** The column that decides on which node a row is. */
  readonly column: string;
  /** The table whose rows with the same value are on the same node. */
  readonly with: string | null;
}

const ofBatch = (name: string): DistributedTable => ({ name, column: "batch_id", with: "batches" });
const alone = (name: string, column: string): DistributedTable => ({ name, column, with: null });

/** In this order: a table comes after the one that it goes with. A test demands a decision about every table of the schema. */
export const DISTRIBUTED_TABLES: readonly DistributedTable[] = [
  alone("batches", "id"),
  ofBatch("chunks"),
  ofBatch("chunk_causes"),
  ofBatch("batch_rows"),
  ofBatch("row_results"),
  ofBatch("row_history"),
  ofBatch("row_values"),
  ofBatch("row_waits"),
  alone("books", "user_id"),
  { name: "records", column: "user_id", with: "books" },
  alone("file_chunks", "file_id"),
];

/**
 * Safe to repeat. Without a node, it warns and the tables stay on the coordinator, where everything works as well.
 * @param lock the key of the lock of migrations
 */
export async function distributeTables(client: pg.Client, lock: number, log: Log): Promise<void> {
  if (!(await hasNodes(client))) {
    log.warn(
      "Citus has no node that takes tables, so all tables stay on the coordinator. Add nodes and migrate again",
    );
    return;
  }
  for (const table of DISTRIBUTED_TABLES) await distribute(client, table, lock, log);
}

/** In a transaction of its own, which waits for another migration. */
async function distribute(
  client: pg.Client,
  { name, column, with: other }: DistributedTable,
  lock: number,
  log: Log,
): Promise<void> {
  await client.query("BEGIN");
  try {
    await liftTimeLimits(client);
    await client.query("SELECT pg_advisory_xact_lock($1)", [lock]);
    if (!(await isDistributed(client, name))) {
      log.info({ table: name, column }, "distributing a table; programs that write into it wait");
      const table = `${SCHEMA}.${name}`;
      const colocation = other === null ? "none" : `${SCHEMA}.${other}`;
      const values = [table, column, colocation];
      await client.query("SELECT create_distributed_table($1::regclass, $2, colocate_with => $3)", values);
      // The rows were copied to the nodes. Those of the coordinator would stay, unseen.
      await client.query("SELECT truncate_local_data_after_distributing_table($1::regclass)", [table]);
    }
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK");
    throw error;
  }
}

/** The coordinator is a node as well, which takes tables only if it is asked to. */
async function hasNodes(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ hasNodes: boolean }>(
    `SELECT EXISTS (SELECT FROM pg_dist_node WHERE isactive AND shouldhaveshards AND noderole = 'primary') AS "hasNodes"`,
  );
  return rows[0]?.hasNodes === true;
}

async function isDistributed(client: pg.Client, name: string): Promise<boolean> {
  const { rowCount } = await client.query(
    "SELECT FROM pg_dist_partition WHERE logicalrelid = $1::regclass AND partmethod = 'h'",
    [`${SCHEMA}.${name}`],
  );
  return rowCount === 1;
}
