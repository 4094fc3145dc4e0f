/** After each step of a random history, a batch shows what its rows and its chunks say, whatever its ends have kept. */
import { expect, test } from "vitest";
import type { ErrorGroupsView } from "../../src/batches/results/views.ts";
import type { BatchView } from "../../src/batches/views.ts";
import { BatchHistory } from "../support/batch-history.ts";
import { groupsOfAnswer, groupsOfRows } from "../support/cause-groups.ts";
import type { Client } from "../support/client.ts";
import { count } from "../support/count.ts";
import { randomOf } from "../support/random.ts";
import { useRowmill } from "../support/use-rowmill.ts";

const rowmill = useRowmill();

const SEEDS = Array.from({ length: 6 }, (_, index) => index + 1);
const STEPS = 14;

/** Reads a batch, without what changes with the clock alone. */
async function readBatch(user: Client, batch: string): Promise<Partial<BatchView>> {
  const { status, body } = await user.batch(batch);
  expect(status).toBe(200);
  const { rows_per_second: _speed, seconds_left: _left, ...shown } = body;
  return shown;
}

/** Reads it as if no end had kept anything. */
async function readFromChunks(user: Client, batch: string): Promise<Partial<BatchView>> {
  const { pool } = rowmill.ctx;
  const { rows } = await pool.query<{ totals: string | null }>(
    "SELECT totals::text FROM rowmill.batches WHERE id = $1",
    [batch],
  );
  await pool.query("UPDATE rowmill.batches SET totals = NULL WHERE id = $1", [batch]);
  const shown = await readBatch(user, batch);
  await pool.query("UPDATE rowmill.batches SET totals = $2 WHERE id = $1", [batch, rows[0]?.totals]);
  return shown;
}

interface RowCounts {
  readonly counts: object;
  readonly records: object;
  readonly undo: object;
}

async function countRows(batch: string): Promise<RowCounts> {
  const { rows } = await rowmill.ctx.pool.query<RowCounts>(
    `SELECT json_build_object('success', count(*) FILTER (WHERE status = 'success' AND undo IS DISTINCT FROM 'reversed'),
       'failed', count(*) FILTER (WHERE status = 'failed'), 'undone', count(*) FILTER (WHERE undo = 'reversed')) AS counts,
       json_build_object('created', count(*) FILTER (WHERE effect = 'created'), 'updated', count(*) FILTER (WHERE effect = 'updated'),
       'unchanged', count(*) FILTER (WHERE effect = 'unchanged')) AS records,
       json_build_object('reversed', count(*) FILTER (WHERE undo = 'reversed'), 'kept', count(*) FILTER (WHERE undo = 'kept'),
       'failed', count(*) FILTER (WHERE undo = 'failed')) AS undo
     FROM rowmill.row_results WHERE batch_id = $1`,
    [batch],
  );
  return rows[0] as RowCounts;
}

const isKept = (batch: string, what: "totals" | "causes") =>
  count(
    rowmill.ctx.pool,
    {
      totals: "SELECT count(*) FROM rowmill.batches WHERE id = $1 AND (totals ->> 'run')::int = run",
      causes: `SELECT count(*) FROM rowmill.batches JOIN rowmill.chunk_causes ON batch_id = id AND attempt = run AND chunk_updated_at = finished_at
        WHERE id = $1 AND first_row = 0`,
    }[what],
    [batch],
  );

test.for([
  ["insert", "partial", false],
  ["insert", "partial", true],
  ["skip_existing", "partial", false],
  ["upsert", "partial", false],
  ["insert", "atomic", false],
] as const)(
  "%s, %s, dry run %s: after every step of a random history, counts and groups are those of the rows",
  async ([mode, policy, isDryRun]) => {
    const kept = { totals: 0, causes: 0 };
    for (const seed of SEEDS) {
      const user = await rowmill.newUser();
      const history = await BatchHistory.start(rowmill, user, randomOf(seed), { mode, policy, isDryRun });
      const { batch } = history;
      for (let step = 0; step < STEPS; step++) {
        const at = { seed, step };
        await history.step();
        const shown = await readBatch(user, batch);
        expect({ ...at, ...shown }).toEqual({ ...at, ...(await readFromChunks(user, batch)) });
        const { counts, records, undo } = await countRows(batch);
        expect({ ...at, ...shown.counts }).toMatchObject({ ...at, ...counts });
        // A dry run counts the records that it would write.
        if (!shown.dry_run) expect({ ...at, ...shown.records }).toEqual({ ...at, ...records });
        if (shown.state === "undone") expect({ ...at, ...shown.undo }).toEqual({ ...at, ...undo });
        const { body: list } = await user.get<{ items: Partial<BatchView>[] }>("/api/v1/batches");
        expect(list.items.find(({ id }) => id === batch)).toMatchObject({ counts: shown.counts });
        const { body: errors } = await user.get<ErrorGroupsView>(`/api/v1/batches/${batch}/errors`);
        expect({ ...at, ...groupsOfAnswer(errors) }).toEqual({
          ...at,
          ...(await groupsOfRows(rowmill, batch)),
        });
        kept.totals += await isKept(batch, "totals");
        kept.causes += await isKept(batch, "causes");
      }
    }
    expect(kept.totals).toBeGreaterThan(SEEDS.length);
    expect(kept.causes).toBeGreaterThan(SEEDS.length);
  },
);
