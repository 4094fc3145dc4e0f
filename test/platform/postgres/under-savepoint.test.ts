import { sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { inTransaction } from "../../../src/context.ts";
import { underSavepoint } from "../../../src/platform/postgres/database.ts";
import { useRowmill } from "../../support/use-rowmill.ts";

const rowmill = useRowmill();

test("what a savepoint wanted to do after the commit is dropped with it, and the rest is done", async () => {
  const done: string[] = [];
  await inTransaction(rowmill.ctx, async (tx) => {
    const later = (what: string) => void tx.afterCommit.push(() => void done.push(what));
    later("before");
    const failing = underSavepoint(tx, async () => {
      later("rolled back");
      await underSavepoint(tx, async () => later("rolled back with it"));
      await tx.db.execute(sql`SELECT 1 / 0`);
    });
    await expect(failing).rejects.toThrow("SELECT 1 / 0");
    await underSavepoint(tx, async () => later("kept"));
    expect(done).toEqual([]);
  });
  expect(done).toEqual(["before", "kept"]);
});
