import { expect, test } from "vitest";
import { newAdmin } from "../../../support/admin.ts";
import { command, untilBatch } from "../../../support/batches.ts";
import { titled } from "../../../support/book-files.ts";
import type { Client } from "../../../support/client.ts";
import { count, countRowWaits, countWaiting } from "../../../support/count.ts";
import { closeGate } from "../../../support/gate.ts";
import { until } from "../../../support/until.ts";
import { uploadForm } from "../../../support/upload-form.ts";
import { useRowmill } from "../../../support/use-rowmill.ts";

const rowmill = useRowmill({ worker: true, gate: true });

/** The same books for each step that has no common factor with `rows`, in an order of its own. */
function shuffled(rows: number, step: number, description: string): string {
  const lines = Array.from({ length: rows }, (_, index) => {
    const book = (index * step) % rows;
    return `Title ${book},Author ${book},${description}`;
  });
  return `title,author,description\n${lines.join("\n")}\n`;
}

const upload = async (user: Client, file: string, query: Record<string, string>) =>
  (await uploadForm(user, file, { query: { ...query, force: "true" } })).body;

const booksOf = ({ userId }: Client) =>
  count(rowmill.ctx.pool, "SELECT count(*) FROM rowmill.books WHERE user_id = $1", [userId]);

async function expectNoFailure(user: Client, batches: readonly { readonly id: string }[]): Promise<void> {
  for (const { id } of batches) {
    const batch = await user.finished(id);
    expect([batch.counts.failed, batch.reason]).toEqual([0, null]);
  }
}

const ATOMIC = { policy: "atomic" };
const DRY_RUN = { dry_run: "true" };

test.for([
  ["upsert", [ATOMIC, ATOMIC, ATOMIC, {}]],
  ["upsert", [DRY_RUN, DRY_RUN, ATOMIC, {}]],
  ["skip_existing", [ATOMIC, ATOMIC, DRY_RUN, {}]],
] as const)(
  "whole batches of mode %s with the same books in other orders fail no row",
  async ([mode, options]) => {
    const user = await rowmill.newUser();
    const rows = 2001;
    const batches = await Promise.all(
      options.map((query, nth) =>
        upload(user, shuffled(rows, [1, 7, 1009, 2000][nth] ?? 1, `about ${nth}`), { mode, ...query }),
      ),
    );
    await expectNoFailure(user, batches);
    expect(await booksOf(user)).toBe(rows);
  },
);

test("batches of two administrators with the same accounts in other orders fail no row", async () => {
  const [ada, grace] = [await newAdmin(rowmill, "ada"), await newAdmin(rowmill, "grace")];
  const table = (step: number, domain: string) => {
    const names = Array.from({ length: 401 }, (_, index) => `member-${(index * step) % 401}`);
    return `username,email\n${names.map((name) => `${name},${name}@${domain}\n`).join("")}`;
  };
  const mode = { target: "users", mode: "upsert" };
  const ofAda = [
    await upload(ada, table(1, "a.example"), { ...mode, ...ATOMIC }),
    await upload(ada, table(7, "b.example"), mode),
  ];
  const ofGrace = [
    await upload(grace, table(400, "c.example"), { ...mode, ...ATOMIC }),
    await upload(grace, table(29, "d.example"), { ...mode, ...DRY_RUN }),
  ];
  await expectNoFailure(ada, ofAda);
  await expectNoFailure(grace, ofGrace);
});

test("an undo and imports of the same books in other orders fail no row", async () => {
  const user = await rowmill.newUser();
  const rows = 2001;
  const undone = await upload(user, shuffled(rows, 1, "first"), { mode: "insert" });
  await expectNoFailure(user, [undone]);
  await command(user, undone.id, "undo");
  const batches = [
    await upload(user, shuffled(rows, 2000, "second"), { mode: "upsert" }),
    await upload(user, shuffled(rows, 7, "third"), { mode: "upsert", ...ATOMIC }),
  ];
  await expectNoFailure(user, batches);
  const { reason } = await untilBatch(
    user,
    undone.id,
    "is undone",
    ({ state }) => state === "undone",
    60_000,
  );
  expect(reason).toMatch(/, 0 failed\.$/);
  expect(await booksOf(user)).toBe(rows);
});

test("a batch that has its records for itself delays only batches with the same books", async () => {
  const user = await rowmill.newUser();
  await using gate = await closeGate(rowmill.ctx);
  const whole = await upload(user, titled(100, { 60: "gate" }), { mode: "upsert", ...ATOMIC });
  await gate.reached();
  const next = await upload(user, titled(100, {}), { mode: "upsert", ...ATOMIC });
  const others = await upload(user, shuffled(10, 3, "").replaceAll("Title", "Other"), { mode: "upsert" });
  await expectNoFailure(user, [others]);
  const same = await upload(user, titled(30, {}), { mode: "upsert" });
  await until("the other chunk waits", async () => {
    const isForWhole = "locktype = 'advisory' AND mode = 'ExclusiveLock'";
    return (await countWaiting(rowmill.ctx.pool, isForWhole)) >= 2;
  });
  const states = await Promise.all(
    [whole, next, same].map(async ({ id }) => (await user.batch(id)).body.state),
  );
  expect(states).toEqual(["processing", "queued", "processing"]);
  expect((await user.batch(same.id)).body.counts).toMatchObject({ success: 0, failed: 0 });
  const cancelled = await upload(user, titled(100, {}), { mode: "upsert", ...ATOMIC });
  expect((await command(user, cancelled.id, "cancel")).state).toBe("cancelled");
  await gate.open();
  await expectNoFailure(user, [whole, next, same]);
});

test("an atomic batch survives a deadlock with a foreign transaction", async () => {
  const user = await rowmill.newUser();
  const { pool } = rowmill.ctx;
  const first = await upload(user, titled(100), { mode: "insert" });
  await expectNoFailure(user, [first]);
  const change = "UPDATE rowmill.books SET description = 'foreign' WHERE user_id = $1 AND title = $2";
  const foreign = await pool.connect();
  await foreign.query("BEGIN; SET LOCAL lock_timeout = '4s'");
  await foreign.query(change, [user.userId, "Title 90"]);
  const file = titled(100).replaceAll("Title", "TITLE");
  const batch = await upload(user, file, { mode: "upsert", ...ATOMIC });
  await until("the batch waits for the foreign transaction", async () => (await countRowWaits(pool)) > 0);
  const outcome = await foreign.query(change, [user.userId, "Title 2"]).catch(({ code }) => code);
  expect(["40P01", "55P03"]).toContain(outcome);
  await foreign.query("ROLLBACK");
  foreign.release();
  await expectNoFailure(user, [batch]);
});
