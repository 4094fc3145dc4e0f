import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";
import Papa from "papaparse";
import { describe, expect, test } from "vitest";
import { newBatchId } from "../../../src/batches/ids.ts";
import { RESULT_FILES, type ResultFile } from "../../../src/batches/results/export-results.ts";
import { transitions } from "../../../src/batches/state.ts";
import { undefuse } from "../../../src/platform/csv/cells.ts";
import type { Client, Problem } from "../../support/client.ts";
import { until } from "../../support/until.ts";
import { useRowmill } from "../../support/use-rowmill.ts";

const OURS = ["_row", "_status", "_error_code", "_error", "_id"];

const rowmill = useRowmill();
const worked = useRowmill({ worker: true });

async function uploaded(user: Client, content: string | Uint8Array, filename?: string): Promise<string> {
  const { status, body } = await user.upload(content, "/api/v1/batches?target=books&force=true", filename);
  expect(status).toBe(202);
  return body.id;
}

/** Uploads where a worker runs, and waits for the end. */
async function finished(user: Client, content: string | Uint8Array, filename?: string): Promise<string> {
  const id = await uploaded(user, content, filename);
  await user.finished(id);
  return id;
}

const path = (id: string, file: string) => `/api/v1/batches/${id}/results/${file}`;

async function csvOf(user: Client, id: string, file: ResultFile): Promise<string[][]> {
  const { status, body } = await user.get<string>(path(id, `${file}.csv`));
  expect(status).toBe(200);
  expect(body.endsWith("\n")).toBe(true);
  return Papa.parse<string[]>(body.slice(0, -1), { delimiter: ",", newline: "\n" }).data;
}

async function bytesOf(user: Client, path: string): Promise<Buffer> {
  const response = await fetch(user.url + path, { headers: { authorization: `Bearer ${user.token}` } });
  expect(response.status).toBe(200);
  return Buffer.from(await response.arrayBuffer());
}

interface JsonRow {
  [column: string]: unknown;
  _row: number;
  _status: string;
}

async function jsonOf(user: Client, id: string, file: ResultFile): Promise<JsonRow[]> {
  const { status, body } = await user.get<JsonRow[]>(path(id, `${file}.json`));
  expect(status).toBe(200);
  return body;
}

/** A finished batch of so many rows without the work: every third failed, every third was left. `tail` is SQL of the row `n`. */
async function storeBatch(user: Client, rows: number, cell: string, tail = "''"): Promise<string> {
  const id = newBatchId(new Date());
  const { pool } = rowmill.ctx;
  await pool.query(
    `INSERT INTO batches (id, user_id, target, filename, state, header, mapping, row_delay_ms, total_rows, finished_at)
     VALUES ($1, $2, 'books', 'big.csv', 'cancelled', '{title,author,description}', '{"title":0,"author":1}', 0, $3, now())`,
    [id, user.userId, rows],
  );
  await pool.query(
    `INSERT INTO batch_rows (batch_id, row_number, fields)
     SELECT $1, n, json_build_array('Title ' || n, 'Author', $3::text || ${tail}) FROM generate_series(2, $2 + 1) AS n`,
    [id, rows, cell],
  );
  await pool.query(
    `INSERT INTO row_results (batch_id, row_number, status, attempts, record_id, effect, error_code, error_message, errors)
     SELECT $1, n, (CASE WHEN n % 3 = 0 THEN 'success' ELSE 'failed' END)::row_status, 1, CASE WHEN n % 3 = 0 THEN n END,
       (CASE WHEN n % 3 = 0 THEN 'created' END)::row_effect, CASE WHEN n % 3 = 1 THEN 'required' END,
       CASE WHEN n % 3 = 1 THEN 'author is required' END, CASE WHEN n % 3 = 1 THEN '[]'::json END
     FROM generate_series(2, $2 + 1) AS n WHERE n % 3 < 2`,
    [id, rows],
  );
  await pool.query(
    `INSERT INTO chunks (batch_id, first_row, last_row, row_count, state, succeeded, failed, created)
     VALUES ($1, 2, $2 + 1, $2, 'processing', $3, $4, $3)`,
    [id, rows, Math.floor((rows + 1) / 3), Math.floor(rows / 3)],
  );
  return id;
}

describe("results", () => {
  test("have the file's columns, then ours, a row a line in source order", async () => {
    const user = await worked.newUser();
    const id = await finished(user, "Name,Writer,Notes\nEmma,Austen,\n,Nobody,x\nUlysses,Joyce,long\n");
    const ids = (await user.rows(id)).map((row) => String(row.record_id ?? ""));
    expect(await csvOf(user, id, "all")).toEqual([
      ["Name", "Writer", "Notes", ...OURS],
      ["Emma", "Austen", "", "2", "success", "", "", ids[0]],
      ["", "Nobody", "x", "3", "failed", "required", "title is required", ""],
      ["Ulysses", "Joyce", "long", "4", "success", "", "", ids[2]],
    ]);
    expect(await csvOf(user, id, "failed")).toEqual([
      ["Name", "Writer", "Notes", ...OURS],
      ["", "Nobody", "x", "3", "failed", "required", "title is required", ""],
    ]);
    expect((await csvOf(user, id, "success")).slice(1).map((row) => row[0])).toEqual(["Emma", "Ulysses"]);
    expect(await csvOf(user, id, "unprocessed")).toEqual([["Name", "Writer", "Notes", ...OURS]]);
  });

  test("say the same in JSON and in NDJSON", async () => {
    const user = await worked.newUser();
    const id = await finished(user, 'title,author\n"Emma, ""the"" novel",Austen\n,\n');
    const rows = await user.rows(id);
    const expected = [
      {
        title: 'Emma, "the" novel',
        author: "Austen",
        _row: 2,
        _status: "success",
        _error_code: null,
        _error: null,
        _id: rows[0]?.record_id,
      },
      {
        title: "",
        author: "",
        _row: 3,
        _status: "failed",
        _error_code: "required",
        _error: "title is required; author is required",
        _id: null,
      },
    ];
    expect(await jsonOf(user, id, "all")).toEqual(expected);
    const lines = await user.get<string>(path(id, "all.ndjson"));
    expect(lines.headers.get("content-type")).toBe("application/x-ndjson; charset=utf-8");
    expect(
      lines.body
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line)),
    ).toEqual(expected);
    expect(await jsonOf(user, id, "unprocessed")).toEqual([]);
  });

  test("keep the header's order and every name, whatever JavaScript thinks of it", async () => {
    const user = await worked.newUser();
    const id = await finished(user, "title,10,author,2,__proto__,constructor\nEmma,a,Austen,b,c,d\n");
    const { body } = await user.get<string>(path(id, "all.ndjson"));
    expect(body).toMatch(
      /^\{"title":"Emma","10":"a","author":"Austen","2":"b","__proto__":"c","constructor":"d","_row":2,"_status":"success",/,
    );
  });

  test("keep our names ours where the file has them too", async () => {
    const user = await worked.newUser();
    const id = await finished(user, "title,author,_row,_id\nEmma,Austen,77,88\n");
    const [header, row] = await csvOf(user, id, "all");
    expect(header).toEqual(["title", "author", "_row_2", "_id_2", ...OURS]);
    expect(row?.slice(0, 5)).toEqual(["Emma", "Austen", "77", "88", "2"]);
    const [found] = await jsonOf(user, id, "all");
    expect(found).toMatchObject({ _row: 2, _row_2: "77", _id_2: "88" });
  });

  test("keep cells beyond the header in a column of their own, and fill those that are missing", async () => {
    const user = await worked.newUser();
    const id = await finished(
      user,
      'title,author,description\nEmma,Austen,x,one,,"two, three"\nUlysses,Joyce\nA,B,C\nD,E,F,,\n',
    );
    const csv = await csvOf(user, id, "all");
    expect(csv[0]).toEqual(["title", "author", "description", ...OURS, "_extra"]);
    expect(csv.every((record) => record.length === csv[0]?.length)).toBe(true);
    expect(csv.slice(1).map((record) => record.at(-1))).toEqual(['["one","","two, three"]', "", "", ""]);
    expect(csv[2]?.slice(0, 4)).toEqual(["Ulysses", "Joyce", "", "3"]);
    const json = await jsonOf(user, id, "all");
    expect(json.map((row) => row._extra)).toEqual([
      ["one", "", "two, three"],
      undefined,
      undefined,
      undefined,
    ]);
    expect(json[1]).toMatchObject({ title: "Ulysses", author: "Joyce", description: "" });
  });

  test("give the very same cells when the file is uploaded again", async () => {
    const user = await worked.newUser();
    const cells = ["=1", "'=1", "''@", "-5", "+1-1", "\tx", 'a "b"', "two\nlines", " padded ", "'", "x,y"];
    const quoted = (cell: string) => `"${cell.replaceAll('"', '""')}"`;
    const rows = cells.map((cell) => `${quoted(cell)},A,${quoted(cell)},${quoted(`=${cell}`)}\n`).join("");
    const first = await finished(user, `title,author,'=note\n${rows},Nobody,-\n`);
    for (const file of ["all.csv", "all.csv?bom=true"]) {
      const again = await finished(user, await bytesOf(user, path(first, file)), "again.csv");
      expect(again).not.toBe(first);
      const fieldsOf = async (id: string) => (await user.rows(id)).map(({ fields }) => fields);
      expect(await fieldsOf(again)).toEqual(await fieldsOf(first));
      expect((await user.batch(again)).body.header).toEqual(["title", "author", "'=note"]);
    }
  });

  test("show no secret", async () => {
    const user = await rowmill.newUser();
    const id = await storeBatch(user, 2, "x");
    await rowmill.ctx.pool.query(
      `UPDATE batches SET target = 'users', header = '{username,password,description}', mapping = '{"username":0,"password":1}'
       WHERE id = $1`,
      [id],
    );
    for (const file of ["all.csv", "all.json", "all.ndjson"]) {
      const { body } = await user.get(path(id, file));
      expect(JSON.stringify(body)).toContain("Title 2");
      expect(JSON.stringify(body)).not.toContain("Author");
    }
  });

  test("run nothing in a spreadsheet, and give back each cell as it was", async () => {
    const user = await worked.newUser();
    const cells = ["=1+1", "@x", "+1-1", "-5", "'=1", "''=1", "'plain", "\tx", "-x", 'a,"b"', "two\nlines"];
    const quoted = (cell: string) => `"${cell.replaceAll('"', '""')}"`;
    const id = await finished(
      user,
      `title,author,"=head"\n${cells.map((cell) => `T,A,${quoted(cell)}\n`).join("")}`,
    );
    const [header, ...rows] = await csvOf(user, id, "all");
    expect(header?.[2]).toBe("'=head");
    const written = rows.map((row) => row[2] ?? "");
    expect(written.filter((cell) => /^[=+\-@\t\r]/.test(cell))).toEqual(["-5"]);
    expect(written.map(undefuse)).toEqual(cells);
    expect((await jsonOf(user, id, "all")).map((row) => row["=head"])).toEqual(cells);
  });

  test("of a batch that waits are its pending rows", async () => {
    const user = await rowmill.newUser();
    const id = await uploaded(user, "title,author\nEmma,Austen\n");
    expect((await jsonOf(user, id, "all")).map((row) => row._status)).toEqual(["pending"]);
    for (const file of ["success", "failed", "unprocessed"] as const)
      expect(await jsonOf(user, id, file)).toEqual([]);
  });

  test("show which rows are being processed", async () => {
    const user = await rowmill.newUser();
    const id = await uploaded(user, `title,author\n${"Emma,Austen\n".repeat(60)}`);
    await rowmill.ctx.pool.query("UPDATE batches SET state = 'processing' WHERE id = $1", [id]);
    const { rows: chunks } = await rowmill.ctx.pool.query<{ rowCount: number }>(
      `UPDATE chunks SET state = 'processing' WHERE batch_id = $1 AND first_row = 2 RETURNING row_count AS "rowCount"`,
      [id],
    );
    const inHand = chunks[0]?.rowCount ?? 0;
    const statuses = (await jsonOf(user, id, "all")).map((row) => row._status);
    expect(statuses).toEqual([...Array(inHand).fill("processing"), ...Array(60 - inHand).fill("pending")]);
    expect(inHand).toBeLessThan(60);
  });

  test("are whole and in order through many pages, each row in one file", async () => {
    const user = await rowmill.newUser();
    const id = await storeBatch(user, 20_001, "x");
    const numbers = new Map<string, number[]>();
    for (const file of RESULT_FILES) {
      const rows = (await csvOf(user, id, file)).slice(1);
      numbers.set(
        file,
        rows.map((row) => Number(row[3])),
      );
      if (file !== "all") expect(new Set(rows.map((row) => row[4]))).toEqual(new Set([file]));
    }
    const all = Array.from({ length: 20_001 }, (_, index) => index + 2);
    expect(numbers.get("all")).toEqual(all);
    expect(numbers.get("success")).toEqual(all.filter((row) => row % 3 === 0));
    expect(numbers.get("failed")).toEqual(all.filter((row) => row % 3 === 1));
    expect(numbers.get("unprocessed")).toEqual(all.filter((row) => row % 3 === 2));
    expect((await jsonOf(user, id, "all")).map((row) => row._row)).toEqual(all);
  });

  test("are whole across gaps in the numbers, wider than a page", async () => {
    const user = await rowmill.newUser();
    const id = await storeBatch(user, 20_001, "x");
    const { pool } = rowmill.ctx;
    for (const table of ["batch_rows", "row_results"])
      await pool.query(`DELETE FROM ${table} WHERE batch_id = $1 AND row_number BETWEEN 10 AND 19990`, [id]);
    await pool.query("UPDATE batches SET total_rows = 20 WHERE id = $1", [id]);
    const left = Array.from({ length: 20_001 }, (_, n) => n + 2).filter((row) => row < 10 || row > 19_990);
    for (const [file, expected] of [
      ["all", left],
      ["success", left.filter((row) => row % 3 === 0)],
      ["failed", left.filter((row) => row % 3 === 1)],
      ["unprocessed", left.filter((row) => row % 3 === 2)],
    ] as const)
      expect((await jsonOf(user, id, file)).map((row) => row._row)).toEqual(expected);
  });

  test("with cells of a megabyte come a few rows at a time", async () => {
    const user = await rowmill.newUser();
    const cell = "é".repeat(2 ** 19);
    const id = await storeBatch(user, 12, cell);
    const rows = (await csvOf(user, id, "all")).slice(1);
    expect(rows.map((row) => Number(row[3]))).toEqual(Array.from({ length: 12 }, (_, index) => index + 2));
    expect(rows.every((row) => row[2] === cell)).toBe(true);
  });

  test("of what was undone say so", async () => {
    const user = await rowmill.newUser();
    const id = await storeBatch(user, 30, "x");
    await rowmill.ctx.pool.query(
      "UPDATE row_results SET undo = 'reversed' WHERE batch_id = $1 AND status = 'success' AND row_number < 10",
      [id],
    );
    const statuses = (await jsonOf(user, id, "all"))
      .filter((row) => row._row % 3 === 0)
      .map((row) => row._status);
    expect(statuses.slice(0, 4)).toEqual(["undone", "undone", "undone", "success"]);
    expect((await jsonOf(user, id, "success"))[0]?._row).toBe(12);
  });
});

describe("a result file", () => {
  test("is one to save, named after the upload", async () => {
    const user = await worked.newUser();
    const id = await finished(user, "title,author\nEmma,Austen\n", "books.csv");
    const { headers } = await user.get(path(id, "failed.csv"));
    expect(headers.get("content-disposition")).toBe("attachment; filename=books-failed.csv");
    expect(headers.get("content-type")).toBe("text/csv; charset=utf-8");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("vary")).toContain("Accept-Encoding");
  });

  test("has a safe name whatever the upload's was", async () => {
    const user = await rowmill.newUser();
    const id = await uploaded(user, "title,author\nEmma,Austen\n");
    await rowmill.ctx.pool.query("UPDATE batches SET filename = $2 WHERE id = $1", [
      id,
      '../größe "€"\r\nx: y.csv',
    ]);
    const { headers } = await user.get(path(id, "all.csv"));
    const disposition = headers.get("content-disposition") ?? "";
    expect(disposition).toMatch(/^attachment; filename="[ -~]+"; filename\*=UTF-8''[\w%.-]+$/);
    expect(decodeURIComponent(disposition.split("''")[1] ?? "")).toBe("__größe _€___x_ y-all.csv");
  });

  test("begins with a byte order mark on request", async () => {
    const user = await rowmill.newUser();
    const id = await uploaded(user, "title,author\nEmma,Austen\n");
    const plain = await bytesOf(user, path(id, "all.csv"));
    const marked = await bytesOf(user, path(id, "all.csv?bom=true"));
    expect(plain.subarray(0, 5)).toEqual(Buffer.from("title"));
    expect(marked).toEqual(Buffer.concat([Buffer.from("\uFEFF"), plain]));
  });

  test("is compressed only where the client takes gzip", async () => {
    const user = await rowmill.newUser();
    const id = await storeBatch(user, 9000, "x");
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

  test.each(["rejected.csv", "success.xlsx"])("%s is refused with what there is", async (file) => {
    const user = await rowmill.newUser();
    const id = await uploaded(user, "title,author\nEmma,Austen\n");
    const { status, body } = await user.get<Problem>(path(id, file));
    expect(status).toBe(400);
    expect(body.detail).toMatch(/success, failed, unprocessed, all|csv, json, ndjson/);
  });

  test("of a batch that is still being received is refused", async () => {
    const user = await rowmill.newUser();
    const id = await uploaded(user, "title,author\nEmma,Austen\n");
    await rowmill.ctx.pool.query("UPDATE batches SET state = $2 WHERE id = $1", [
      id,
      transitions.accept.from[0],
    ]);
    const { status, body } = await user.get<Problem>(path(id, "all.csv"));
    expect(status).toBe(409);
    expect(body.code).toBe("conflict");
  });

  test("is its owner's alone", async () => {
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
  const request = get(rowmill.url + path(id, file), {
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
    let last = queries();
    let since = performance.now();
    await until("no query is made any more", async () => {
      if (queries() !== last) {
        last = queries();
        since = performance.now();
      }
      return performance.now() - since > 500 && rowmill.ctx.pool.idleCount === rowmill.ctx.pool.totalCount;
    });
    return last;
  }

  test.each(["identity", "gzip"])(
    "that does not read on keeps no connection, and one that goes away ends it (%s)",
    async (encoding) => {
      const user = await rowmill.newUser();
      const rows = 60_000;
      // 1.6 kB that does not compress.
      const noise = "(SELECT string_agg(md5(n || '/' || k), '') FROM generate_series(1, 50) AS k)";
      const id = await storeBatch(user, rows, "", noise);
      let queries = 0;
      const count = () => queries++;
      rowmill.ctx.pool.on("acquire", count);
      const response = await download(user, id, "all.ndjson", { "accept-encoding": encoding });
      response.pause();
      const asked = await queriesAtRest(() => queries);
      expect(asked).toBeGreaterThan(2);
      // A page of 2 MiB takes two queries, so all of it nearly a hundred.
      expect(asked).toBeLessThan(50);
      response.destroy();
      const afterwards = await queriesAtRest(() => queries);
      expect(afterwards - asked).toBeLessThanOrEqual(2);
      rowmill.ctx.pool.off("acquire", count);
    },
  );

  test("learns where rows were removed under it", async () => {
    const user = await rowmill.newUser();
    const id = await storeBatch(user, 50_000, "x".repeat(1000));
    const response = await download(user, id, "all.csv");
    response.pause();
    await rowmill.ctx.pool.query("DELETE FROM batch_rows WHERE batch_id = $1 AND row_number > 40000", [id]);
    await expect(text(response)).rejects.toThrow("aborted");
  });
});
