import { describe, expect, test } from "vitest";
import { RESULT_FILES } from "../../../src/batches/results/result-ranges.ts";
import { undefuse } from "../../../src/platform/csv/cells.ts";
import {
  bytesOf,
  csvOf,
  finished,
  jsonOf,
  OURS,
  path,
  storeBatch,
  uploaded,
} from "../../support/result-files.ts";
import { useRowmill } from "../../support/use-rowmill.ts";

const rowmill = useRowmill();
const worked = useRowmill({ worker: true });

describe("results", () => {
  test("results have the columns of the file, then ours, one line per row in source order", async () => {
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

  test("results are the same in JSON and NDJSON", async () => {
    const user = await worked.newUser();
    const id = await finished(user, 'title,author\n"Emma, ""the"" novel",Austen\n,Austen\n');
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
        author: "Austen",
        _row: 3,
        _status: "failed",
        _error_code: "required",
        _error: "title is required",
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

  test("results keep the order and names of the header", async () => {
    const user = await worked.newUser();
    const id = await finished(user, "title,10,author,2,__proto__,constructor\nEmma,a,Austen,b,c,d\n");
    const { body } = await user.get<string>(path(id, "all.ndjson"));
    expect(body).toMatch(
      /^\{"title":"Emma","10":"a","author":"Austen","2":"b","__proto__":"c","constructor":"d","_row":2,"_status":"success",/,
    );
  });

  test("results keep our columns apart from equal names in the file", async () => {
    const user = await worked.newUser();
    const id = await finished(user, "title,author,_row,_id\nEmma,Austen,77,88\n");
    const [header, row] = await csvOf(user, id, "all");
    expect(header).toEqual(["title", "author", "_row_2", "_id_2", ...OURS]);
    expect(row?.slice(0, 5)).toEqual(["Emma", "Austen", "77", "88", "2"]);
    const [found] = await jsonOf(user, id, "all");
    expect(found).toMatchObject({ _row: 2, _row_2: "77", _id_2: "88" });
  });

  test("results keep extra cells in their own column and fill missing ones", async () => {
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

  test("uploading a results file gives the same cells again", async () => {
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

  test("results show no secret", async () => {
    const user = await rowmill.newUser();
    const id = await storeBatch(rowmill, user, 2, "x");
    await rowmill.ctx.pool.query(
      `UPDATE rowmill.batches SET target = 'users', header = '{username,password,description}', mapping = '{"username":0,"password":1}'
       WHERE id = $1`,
      [id],
    );
    for (const file of ["all.csv", "all.json", "all.ndjson"]) {
      const { body } = await user.get(path(id, file));
      expect(JSON.stringify(body)).toContain("Title 2");
      expect(JSON.stringify(body)).not.toContain("Author");
    }
  });

  test("results are safe in spreadsheets and reversible", async () => {
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

  test("results of a queued batch are its pending rows", async () => {
    const user = await rowmill.newUser();
    const id = await uploaded(user, "title,author\nEmma,Austen\n");
    expect((await jsonOf(user, id, "all")).map((row) => row._status)).toEqual(["pending"]);
    for (const file of ["success", "failed", "unprocessed"] as const)
      expect(await jsonOf(user, id, file)).toEqual([]);
  });

  test("results show which rows are being processed", async () => {
    const user = await rowmill.newUser();
    const id = await uploaded(user, `title,author\n${"Emma,Austen\n".repeat(60)}`);
    await rowmill.ctx.pool.query("UPDATE rowmill.batches SET state = 'processing' WHERE id = $1", [id]);
    const { rows: chunks } = await rowmill.ctx.pool.query<{ rowCount: number }>(
      `UPDATE rowmill.chunks SET state = 'processing' WHERE batch_id = $1 AND first_row = 2 RETURNING row_count AS "rowCount"`,
      [id],
    );
    const running = chunks[0]?.rowCount ?? 0;
    const statuses = (await jsonOf(user, id, "all")).map((row) => row._status);
    expect(statuses).toEqual([...Array(running).fill("processing"), ...Array(60 - running).fill("pending")]);
    expect(running).toBeLessThan(60);
  });

  test("results of many pages are complete and in order", async () => {
    const user = await rowmill.newUser();
    const id = await storeBatch(rowmill, user, 20_001, "x");
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

  test("results are complete across gaps in row numbers", async () => {
    const user = await rowmill.newUser();
    const id = await storeBatch(rowmill, user, 20_001, "x");
    const { pool } = rowmill.ctx;
    for (const table of ["batch_rows", "row_results"])
      await pool.query(
        `DELETE FROM rowmill.${table} WHERE batch_id = $1 AND row_number BETWEEN 10 AND 19990`,
        [id],
      );
    await pool.query("UPDATE rowmill.batches SET total_rows = 20 WHERE id = $1", [id]);
    const left = Array.from({ length: 20_001 }, (_, n) => n + 2).filter((row) => row < 10 || row > 19_990);
    for (const [file, expected] of [
      ["all", left],
      ["success", left.filter((row) => row % 3 === 0)],
      ["failed", left.filter((row) => row % 3 === 1)],
      ["unprocessed", left.filter((row) => row % 3 === 2)],
    ] as const)
      expect((await jsonOf(user, id, file)).map((row) => row._row)).toEqual(expected);
  });

  test("results with cells of a megabyte are read a few rows at a time", async () => {
    const user = await rowmill.newUser();
    const cell = "é".repeat(2 ** 19);
    const id = await storeBatch(rowmill, user, 12, cell);
    const rows = (await csvOf(user, id, "all")).slice(1);
    expect(rows.map((row) => Number(row[3]))).toEqual(Array.from({ length: 12 }, (_, index) => index + 2));
    expect(rows.every((row) => row[2] === cell)).toBe(true);
  });

  test("results of an undone batch show the undo outcome", async () => {
    const user = await rowmill.newUser();
    const id = await storeBatch(rowmill, user, 30, "x");
    await rowmill.ctx.pool.query(
      "UPDATE rowmill.row_results SET undo = 'reversed' WHERE batch_id = $1 AND status = 'success' AND row_number < 10",
      [id],
    );
    const statuses = (await jsonOf(user, id, "all"))
      .filter((row) => row._row % 3 === 0)
      .map((row) => row._status);
    expect(statuses.slice(0, 4)).toEqual(["undone", "undone", "undone", "success"]);
    expect((await jsonOf(user, id, "success"))[0]?._row).toBe(12);
  });
});
