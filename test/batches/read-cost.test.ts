import { describe, expect, test } from "vitest";
import type { RowView } from "../../src/batches/row-views.ts";
import { books, HEADER, type Page, uploaded, work } from "../support/batch-reads.ts";
import { rowsRead } from "../support/rows-read.ts";
import { useRowmill } from "../support/use-rowmill.ts";

const rowmill = useRowmill();

describe("the cost of a status read", () => {
  const read = () => rowsRead(rowmill, ["batch_rows", "row_results"]);

  test("a status read reads no rows, so its cost does not grow with them", async () => {
    const user = await rowmill.newUser();
    const id = await uploaded(user, HEADER + books(20_000));
    const check = async () => {
      const before = await read();
      for (let time = 0; time < 20; time++) {
        expect((await user.batch(id)).body.counts.total).toBe(20_000);
        expect((await user.get("/api/v1/batches")).status).toBe(200);
      }
      expect((await read()) - before).toBe(0);
    };
    await check();
    await work(rowmill, user, id);
    await check();
  });

  test("a page of rows costs the same anywhere in the batch", async () => {
    const user = await rowmill.newUser();
    const id = await uploaded(user, HEADER + books(20_000));
    await work(rowmill, user, id);
    const cursor = Buffer.from("19000").toString("base64url");
    for (const query of [
      "limit=10",
      `limit=10&cursor=${cursor}`,
      `limit=10&status=failed&cursor=${cursor}`,
    ]) {
      const before = await read();
      const { body } = await user.get<Page<RowView>>(`/api/v1/batches/${id}/rows?${query}`);
      expect(body.items).toHaveLength(10);
      const cost = (await read()) - before;
      // That it is not 0 shows that reads are seen at all.
      expect([query, cost > 0, cost < 200]).toEqual([query, true, true]);
    }
  });
});
