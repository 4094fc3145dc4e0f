/** An import into a table of an application, with a column of each type. */
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { POLL_MS, readStatus, sendFile, signUp, startPrograms, stopPrograms } from "./rowmill.ts";
import { typedDefinition, typedTable } from "./typed-rows.ts";

const ROLE = "bench_target";
const TARGET = "bench_customers";

/** Creates the table, the role that writes it, and the target. */
async function prepare(databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query(`DROP SCHEMA IF EXISTS bench CASCADE; CREATE SCHEMA bench; ${typedTable("bench")};
      DROP ROLE IF EXISTS ${ROLE}; CREATE ROLE ${ROLE} NOLOGIN; GRANT USAGE ON SCHEMA bench TO ${ROLE};
      GRANT SELECT, INSERT, UPDATE, DELETE ON bench.customers TO ${ROLE};
      DELETE FROM rowmill.target_definitions WHERE name = '${TARGET}';
      INSERT INTO rowmill.target_definitions (name, version) VALUES ('${TARGET}', 1)`);
    await client.query("INSERT INTO rowmill.target_versions (name, version, definition) VALUES ($1, 1, $2)", [
      TARGET,
      JSON.stringify({ ...typedDefinition, mode: { default: "upsert", allowed: ["insert", "upsert"] } }),
    ]);
    await client.query("CHECKPOINT");
  } finally {
    await client.end();
  }
}

export interface MeasuredTable {
  /** From the first byte sent to the last row's result. */
  readonly insertSeconds: number;
  /** The same file again, so that no record changes. */
  readonly unchangedSeconds: number;
}

export async function measureOwnTable(databaseUrl: string, csvPath: string): Promise<MeasuredTable> {
  await prepare(databaseUrl);
  const { url, programs } = await startPrograms(databaseUrl, { TARGET_TABLES: "bench.*", TARGET_ROLE: ROLE });
  try {
    const headers = { authorization: `Bearer ${await signUp(url)}` };
    const insertSeconds = await importOnce(url, csvPath, headers, "insert");
    const unchangedSeconds = await importOnce(url, csvPath, headers, "upsert");
    return { insertSeconds, unchangedSeconds };
  } finally {
    await stopPrograms(...programs);
  }
}

async function importOnce(url: string, csvPath: string, headers: { authorization: string }, mode: string) {
  const startedAt = performance.now();
  let batch = await sendFile(url, csvPath, headers, `target=${TARGET}&mode=${mode}&force=true`);
  while (!batch.finished_at) {
    await sleep(POLL_MS);
    batch = await readStatus(`${url}/api/v1/batches/${batch.id}`, headers);
  }
  if (batch.counts.success !== batch.counts.total)
    throw new Error(`Not every row succeeded: ${JSON.stringify(batch.counts)}`);
  return (performance.now() - startedAt) / 1000;
}
