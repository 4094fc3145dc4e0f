import { expect, test } from "vitest";
import { RESULT_FORMATS } from "../../../src/batches/results/result-formats.ts";
import { RESULT_FILES } from "../../../src/batches/results/result-ranges.ts";
import { batchState } from "../../../src/schema/batches.ts";
import { deliverChunk } from "../../support/batches.ts";
import { path, uploaded } from "../../support/result-files.ts";
import { useRowmill } from "../../support/use-rowmill.ts";

const rowmill = useRowmill();

/** The states in which a batch is shown and has results. */
const states = batchState.enumValues.filter((state) => state !== "receiving" && state !== "deleting");

const ROWS = { success: 2, failed: 1, unprocessed: 0, all: 3 };

test.each(states)(
  "every result file of a batch that is %s can be downloaded in every format",
  async (state) => {
    const user = await rowmill.newUser();
    const id = await uploaded(user, "title,author\nEmma,Austen\n,Nobody\nDracula,Stoker\n");
    await deliverChunk(rowmill.ctx, id);
    await rowmill.ctx.pool.query("UPDATE rowmill.batches SET state = $2, finished_at = $3 WHERE id = $1", [
      id,
      state,
      ["queued", "processing", "paused", "undoing"].includes(state) ? null : new Date(),
    ]);
    for (const file of RESULT_FILES) {
      for (const format of RESULT_FORMATS) {
        const response = await fetch(`${user.url}${path(id, `${file}.${format}`)}`, {
          headers: { authorization: `Bearer ${user.token}` },
        });
        expect([file, format, response.status]).toEqual([file, format, 200]);
        const text = await response.text();
        const rows = {
          csv: () => text.trim().split("\n").length - 1,
          json: () => JSON.parse(text).length,
          ndjson: () => text.split("\n").length - 1,
        }[format]();
        expect([file, format, rows]).toEqual([file, format, ROWS[file]]);
      }
    }
  },
);
