import pg from "pg";
import { expect, test } from "vitest";
import { createLog } from "../../../src/platform/log.ts";
import { adaptQueueTables } from "../../../src/platform/queue/adapt-tables.ts";
import { createDatabase } from "../../support/rowmill.ts";

const log = createLog({ logLevel: "silent" }, "test");

test("jobs have no foreign keys, and the migration does not stop programs that use the table", async () => {
  await using database = await createDatabase();
  const [client, program] = [0, 1].map(() => new pg.Client({ connectionString: database.url }));
  if (!client || !program) throw new Error("unreachable");
  await Promise.all([client.connect(), program.connect()]);
  const connect = async () => {
    throw new Error("No index is missing.");
  };
  try {
    const keys = async () => {
      const { rows } = await client.query<{ name: string }>(
        `SELECT conname AS name FROM pg_constraint WHERE conrelid = 'rowmill_queue.job_common'::regclass AND contype = 'f'`,
      );
      return rows.map(({ name }) => name);
    };
    expect(await keys()).toEqual([]);
    // As pg-boss creates the table.
    await client.query(
      `ALTER TABLE rowmill_queue.job_common ADD CONSTRAINT q_fkey FOREIGN KEY (name)
      REFERENCES rowmill_queue.queue (name) ON DELETE RESTRICT DEFERRABLE INITIALLY DEFERRED`,
    );
    await program.query("BEGIN; SELECT FROM rowmill_queue.job");
    await adaptQueueTables(client, connect, log, 1);
    expect(await keys()).toEqual(["q_fkey"]);
    setTimeout(() => program.query("COMMIT"), 1500);
    await adaptQueueTables(client, connect, log);
    expect(await keys()).toEqual([]);
  } finally {
    await Promise.all([client.end(), program.end()]);
  }
});
