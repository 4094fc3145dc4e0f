/** A node of a distributed database that is away for longer than all deliveries of a job take. */
import { expect, test } from "vitest";
import { jobs } from "../../../src/jobs.ts";
import { addTrigger } from "../../support/triggers.ts";
import { until } from "../../support/until.ts";
import { useRowmill, useUser } from "../../support/use-rowmill.ts";

const rowmill = useRowmill();
const user = useUser(rowmill);

/** More than the deliveries after which a job is given up. */
const FAILURES = jobs.processChunk.maxAttempts + 4;

test.for([
  ["08006", "server closed the connection unexpectedly"],
  ["57P01", "terminating connection due to administrator command"],
  [
    "XX000",
    "connection to the remote node worker-1:5432 failed with the following error: Connection refused",
  ],
])(
  "rows do not fail because a node is away for longer than all deliveries: %s",
  async ([code = "", message = ""]) => {
    const { pool, queue, db } = rowmill.ctx;
    // A sequence counts also what a transaction rolls back.
    await pool.query("CREATE SEQUENCE public.failures");
    await addTrigger(
      pool,
      "lose_node",
      "AFTER INSERT ON rowmill.row_results FOR EACH STATEMENT",
      `IF nextval('public.failures') <= ${FAILURES} THEN
        RAISE EXCEPTION USING ERRCODE = '${code}', MESSAGE = '${message}';
      END IF;
      RETURN NULL;`,
    );
    const { body } = await user.upload(`title,author\nBook ${code},Author\n`);
    await rowmill.startWorker();
    await until("all deliveries have failed and a later one succeeds", async () => {
      const { rows } = await pool.query<{ id: string }>(
        "SELECT id FROM rowmill_queue.job WHERE name = $1 AND state = 'retry'",
        [jobs.processChunk.name],
      );
      // Instead of the wait between two deliveries.
      await queue.hasten(
        db,
        jobs.processChunk,
        rows.map(({ id }) => id),
      );
      return (await user.batch(body.id)).body.finished_at !== null;
    });
    const { rows } = await pool.query("SELECT last_value > $1 AS all FROM public.failures", [FAILURES]);
    expect(rows).toEqual([{ all: true }]);
    expect((await user.batch(body.id)).body).toMatchObject({
      state: "completed",
      counts: { success: 1, failed: 0 },
    });
    await pool.query("DROP TRIGGER lose_node ON rowmill.row_results");
    await pool.query("DROP SEQUENCE public.failures");
  },
);
