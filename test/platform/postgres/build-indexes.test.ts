import pg from "pg";
import { expect, test, vi } from "vitest";
import { createLog } from "../../../src/platform/log.ts";
import { buildIndexes } from "../../../src/platform/postgres/build-indexes.ts";
import { LATER_JOBS_INDEX } from "../../../src/schema/tasks.ts";
import { createDatabase } from "../../support/rowmill.ts";

/** "rowi" in ASCII. */
const BUILD_LOCK = 0x726f7769;

test("a migration says that it waits for the indexes of another one, and then builds those that are still missing", async () => {
  await using database = await createDatabase();
  const connect = async () => {
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    return client;
  };
  const [client, other] = await Promise.all([connect(), connect()]);
  const log = createLog({ logLevel: "silent" }, "test");
  const info = vi.spyOn(log, "info");
  const messages = () => info.mock.calls.map((call) => call.at(-1));
  const waiting = "another migration builds indexes; waiting until it has ended";
  try {
    await client.query("DROP INDEX rowmill.tasks_later_job");
    await other.query(`BEGIN; SELECT pg_advisory_xact_lock(${BUILD_LOCK})`);
    const built = buildIndexes(client, connect, [LATER_JOBS_INDEX], log);
    await expect.poll(messages).toEqual([waiting]);
    await other.query("COMMIT");
    await built;
    expect(messages()).toEqual([waiting, "building an index; programs can go on"]);
    const { rows } = await client.query(
      "SELECT indisvalid FROM pg_index WHERE indexrelid = 'rowmill.tasks_later_job'::regclass",
    );
    expect(rows).toEqual([{ indisvalid: true }]);
  } finally {
    await Promise.all([client.end(), other.end()]);
  }
});
