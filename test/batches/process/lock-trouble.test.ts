import { expect, test } from "vitest";
import type { Client } from "../../support/client.ts";
import { count } from "../../support/count.ts";
import { uploadForm } from "../../support/upload-form.ts";
import { useRowmill } from "../../support/use-rowmill.ts";

const rowmill = useRowmill({ worker: true });

/** The same books in an order of their own. */
function shuffled(rows: number, step: number, description: string): string {
  const lines = Array.from({ length: rows }, (_, index) => {
    const book = (index * step) % rows;
    return `Title ${book},Author ${book},${description}`;
  });
  return `title,author,description\n${lines.join("\n")}\n`;
}

const ATOMIC = { policy: "atomic" };
const DRY_RUN = { dry_run: "true" };

test.for([
  ["upsert", [ATOMIC, ATOMIC, ATOMIC, {}]],
  ["upsert", [DRY_RUN, DRY_RUN, ATOMIC, {}]],
  ["skip_existing", [ATOMIC, ATOMIC, DRY_RUN, {}]],
] as const)(
  "batches of mode %s with the same books in different orders do not fail rows",
  async ([mode, options]) => {
    const user = await rowmill.newUser();
    const rows = 4001;
    const batches = await Promise.all(
      options.map(async (query, nth) => {
        const file = shuffled(rows, [1, 7, 1009, 3001][nth] ?? 1, `about ${nth}`);
        return (await uploadForm(user, file, { query: { mode, ...query } })).body;
      }),
    );
    for (const { id } of batches) {
      const batch = await user.finished(id, 60_000);
      expect([batch.counts.failed, batch.reason]).toEqual([0, null]);
    }
    expect(await booksOf(user)).toBe(rows);
  },
);

const booksOf = ({ userId }: Client) =>
  count(rowmill.ctx.pool, "SELECT count(*) FROM rowmill.books WHERE user_id = $1", [userId]);
