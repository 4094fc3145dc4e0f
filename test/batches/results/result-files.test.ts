import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { newBatchId } from "../../../src/batches/ids.ts";
import { transitions } from "../../../src/batches/state.ts";
import type { Client, Problem } from "../../support/client.ts";
import { bytesOf, finished, path, storeBatch, uploaded } from "../../support/result-files.ts";
import { Stopwatch } from "../../support/stopwatch.ts";
import { until } from "../../support/until.ts";
import { useRowmill } from "../../support/use-rowmill.ts";

const rowmill = useRowmill();
const worked = useRowmill({ worker: true });

describe("a result file", () => {
  test("a result file is an attachment named after the upload", async () => {
    const user = await worked.newUser();
    const id = await finished(user, "title,author\nEmma,Austen\n", "books.csv");
    const { headers } = await user.get(path(id, "failed.csv"));
    expect(headers.get("content-disposition")).toBe("attachment; filename=books-failed.csv");
    expect(headers.get("content-type")).toBe("text/csv; charset=utf-8");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("vary")).toContain("Accept-Encoding");
  });

  test("a result file has a safe name", async () => {
    const user = await rowmill.newUser();
    const id = await uploaded(user, "title,author\nEmma,Austen\n");
    await rowmill.ctx.pool.query("UPDATE rowmill.batches SET filename = $2 WHERE id = $1", [
      id,
      '../größe "€"\r\nx: y.csv',
    ]);
    const { headers } = await user.get(path(id, "all.csv"));
    const disposition = headers.get("content-disposition") ?? "";
    expect(disposition).toMatch(/^attachment; filename="[ -~]+"; filename\*=UTF-8''[\w%.-]+$/);
    expect(decodeURIComponent(disposition.split("''")[1] ?? "")).toBe("__größe _€___x_ y-all.csv");
  });

  test("a result file begins with a byte order mark on request", async () => {
    const user = await rowmill.newUser();
    const id = await uploaded(user, "title,author\nEmma,Austen\n");
    const plain = await bytesOf(user, path(id, "all.csv"));
    const marked = await bytesOf(user, path(id, "all.csv?bom=true"));
    expect(plain.subarray(0, 5)).toEqual(Buffer.from("title"));
    expect(marked).toEqual(Buffer.concat([Buffer.from("\uFEFF"), plain]));
  });

  test("a result file is compressed only if the client accepts gzip", async () => {
    const user = await rowmill.newUser();
    const id = await storeBatch(rowmill, user, 9000, "x");
    const plain = await text(await download(user, id, "all.csv"));
    for (const accepted of ["gzip", "br;q=1.0, gzip;q=0.8", "*"]) {
      const response = await download(user, id, "all.csv", { "accept-encoding": accepted });
      expect(response.headers["content-encoding"]).toBe("gzip");
      const chunks = await response.toArray();
      expect(gunzipSync(Buffer.concat(chunks)).toString()).toBe(plain);
    }
    for (const refused of ["identity", "gzip;q=0", "br"]) {
      const response = await download(user, id, "all.csv", { "accept-encoding": refused });
      expect(response.headers["content-encoding"]).toBeUndefined();
      expect(await text(response)).toBe(plain);
    }
  });

  test.each(["rejected.csv", "success.xlsx"])(
    "the result file %s is refused with the available ones",
    async (file) => {
      const user = await rowmill.newUser();
      const id = await uploaded(user, "title,author\nEmma,Austen\n");
      const { status, body } = await user.get<Problem>(path(id, file));
      expect(status).toBe(400);
      expect(body.detail).toMatch(/success, failed, unprocessed, all|csv, json, ndjson/);
    },
  );

  test("results of a batch that is being received are refused", async () => {
    const user = await rowmill.newUser();
    const id = await uploaded(user, "title,author\nEmma,Austen\n");
    await rowmill.ctx.pool.query("UPDATE rowmill.batches SET state = $2 WHERE id = $1", [
      id,
      transitions.accept.from[0],
    ]);
    const { status, body } = await user.get<Problem>(path(id, "all.csv"));
    expect(status).toBe(409);
    expect(body.code).toBe("conflict");
  });

  test("only its owner can read a result file", async () => {
    const [user, other] = [await rowmill.newUser(), await rowmill.newUser()];
    const id = await uploaded(user, "title,author\nEmma,Austen\n");
    const foreign = await other.get<Problem>(path(id, "all.csv"));
    const unknown = await other.get<Problem>(path(newBatchId(new Date()), "all.csv"));
    expect(foreign.status).toBe(404);
    expect(foreign.body).toEqual(unknown.body);
    expect((await rowmill.client.get(path(id, "all.csv"))).status).toBe(401);
  });
});

async function download(
  user: Client,
  id: string,
  file: string,
  headers: Record<string, string> = {},
): Promise<IncomingMessage> {
  const request = get(user.url + path(id, file), {
    headers: { authorization: `Bearer ${user.token}`, ...headers },
    agent: false,
  });
  const [response]: [IncomingMessage] = (await once(request, "response")) as [IncomingMessage];
  expect(response.statusCode).toBe(200);
  return response;
}

describe("a client of a large file", () => {
  /** How many queries the API has made when it makes no more. */
  async function queriesAtRest(queries: () => number): Promise<number> {
    using watch = new Stopwatch();
    let last = queries();
    let since = 0;
    await until("no query is made any more", async () => {
      if (queries() !== last) {
        last = queries();
        since = watch.ms;
      }
      return watch.ms - since > 500 && rowmill.ctx.reads.pool.idleCount === rowmill.ctx.reads.pool.totalCount;
    });
    return last;
  }

  test.each(["identity", "gzip"])(
    "a client that does not read on keeps no connection, and one that goes away ends the file (%s)",
    async (encoding) => {
      const user = await rowmill.newUser();
      const rows = 60_000;
      // 1.6 kB that does not compress.
      const noise = "(SELECT string_agg(md5(n || '/' || k), '') FROM generate_series(1, 50) AS k)";
      const id = await storeBatch(rowmill, user, rows, "", noise);
      let queries = 0;
      const count = () => queries++;
      rowmill.ctx.reads.pool.on("acquire", count);
      const response = await download(user, id, "all.ndjson", { "accept-encoding": encoding });
      response.pause();
      const asked = await queriesAtRest(() => queries);
      expect(asked).toBeGreaterThan(2);
      // A page of 256 KiB takes two queries, so all of it more than seven hundred.
      expect(asked).toBeLessThan(200);
      response.destroy();
      const afterwards = await queriesAtRest(() => queries);
      expect(afterwards - asked).toBeLessThanOrEqual(2);
      rowmill.ctx.reads.pool.off("acquire", count);
    },
  );

  test("a client notices if rows are removed during its download", async () => {
    const user = await rowmill.newUser();
    const id = await storeBatch(rowmill, user, 50_000, "x".repeat(1000));
    const response = await download(user, id, "all.csv");
    response.pause();
    await rowmill.ctx.pool.query(
      "DELETE FROM rowmill.batch_rows WHERE batch_id = $1 AND row_number > 40000",
      [id],
    );
    await expect(text(response)).rejects.toThrow("aborted");
  });
});
