/** Tables, their owners and their privileges may change after a target was saved. */
import { expect, test } from "vitest";
import { command, deliverChunk } from "../../support/batches.ts";
import { receive } from "../../support/imports.ts";
import { customers, useStore } from "../../support/store.ts";

const { rowmill, user, query, define, role } = useStore();

const FILE = "external_id,full_name\nA1,Ada\nA2,Bob\n";

test.each([
  {
    change: "the table gets an owner that is not trusted",
    before: () => query(`ALTER TABLE store.customers OWNER TO ${role}`),
    reason: /does not fit the target any more: destination\.table: .* TARGET_TRUSTED_OWNERS/,
    // The owner takes its privileges along.
    after: () =>
      query(
        `ALTER TABLE store.customers OWNER TO CURRENT_USER; GRANT SELECT, INSERT, UPDATE, DELETE ON store.customers TO ${role}`,
      ),
  },
  {
    change: "the role loses its privilege",
    before: () => query(`REVOKE INSERT ON store.customers FROM ${role}`),
    reason: /does not fit the target any more: .*GRANT INSERT/,
    after: () => query(`GRANT INSERT ON store.customers TO ${role}`),
  },
  {
    change: "a column is renamed",
    before: () => query("ALTER TABLE store.customers RENAME COLUMN full_name TO name"),
    reason: /does not fit the target any more: columns\.1/,
    after: () => query("ALTER TABLE store.customers RENAME COLUMN name TO full_name"),
  },
  {
    change: "the table is moved away",
    before: () => query("ALTER TABLE store.customers RENAME TO people"),
    reason: /The table store\.customers does not exist any more/,
    after: () => query("ALTER TABLE store.people RENAME TO customers"),
  },
])(
  "if $change, the batch is paused, and goes on when that is corrected",
  async ({ before, reason, after }) => {
    const target = await define(customers());
    const batchId = await receive(user, FILE, "upsert", target);
    await before();
    await deliverChunk(rowmill.ctx, batchId);
    const { body: paused } = await user.batch(batchId);
    await after();
    expect(paused).toMatchObject({ state: "paused", counts: { failed: 0, success: 0 } });
    expect(paused.reason).toMatch(reason);
    await command(user, batchId, "resume");
    await deliverChunk(rowmill.ctx, batchId);
    const { body: done } = await user.batch(batchId);
    expect(done).toMatchObject({ state: "completed", counts: { success: 2 } });
  },
);
