import { describe, expect, test } from "vitest";
import { DomainError } from "../../../src/errors.ts";
import { openCsv } from "../../../src/platform/csv/open-csv.ts";
import { cut, limits, PLAIN, read } from "../../support/csv-reader.ts";

describe("what never ends is stopped early", () => {
  test.each([
    ["a quoted line without an end", 'a,b\nc,"', "d,e"],
    ["a cell of lines that are no rows", 'a,b\nc,"', "one line of prose\n"],
    ["a line without an end", "a,b\n", "cdefgh,"],
  ])("%s", async (_, start, repeated) => {
    const chunk = Buffer.from(repeated.repeat(200));
    let taken = 0;
    let isClosed = false;
    async function* endless() {
      try {
        yield Buffer.from(start);
        for (;;) {
          taken += chunk.length;
          yield chunk;
        }
      } finally {
        isClosed = true;
      }
    }
    const cellMaxBytes = 100_000;
    const error = await read(endless(), PLAIN, { ...limits, cellMaxBytes }).then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(DomainError);
    expect(error).toMatchObject({ code: "too_large", message: expect.stringContaining("Row 2 ") });
    expect(error).toMatchObject({ message: expect.stringContaining("CELL_MAX_BYTES") });
    expect(taken).toBeLessThan(1.5 * 4 * cellMaxBytes + 65_536);
    expect(isClosed).toBe(true);
  });
});

test("a quote that is never closed costs its row only, however long the file is", async () => {
  const cellMaxBytes = 100_000;
  let ahead = 0;
  async function* source() {
    yield Buffer.from('a,b\n1,"\n');
    for (let chunk = 0; chunk < 100; chunk++) {
      ahead += 10_000;
      yield Buffer.from("d,e\n".repeat(2500));
    }
  }
  const { records } = await openCsv(source(), {}, { ...limits, cellMaxBytes });
  let rows = 0;
  let failed = 0;
  for await (const block of records) {
    for (const { problem } of block) {
      rows++;
      if (problem !== null) failed++;
    }
    ahead -= block.length * 4;
    expect(ahead).toBeLessThan(4 * cellMaxBytes);
  }
  expect([rows, failed]).toEqual([250_001, 1]);
});

test("records are read while the file is still arriving, after its first 64 KiB", async () => {
  let sent = 0;
  async function* source() {
    for (; sent < 100; sent++) yield Buffer.from("a,b\n".repeat(5000));
  }
  const { records } = await openCsv(source(), PLAIN, limits);
  const first = await records.next();
  expect(first.value?.[0]).toEqual({ row: 1, fields: ["a", "b"], problem: null });
  expect(sent).toBeLessThan(6);
  await records.return(undefined);
});

describe("a limit is refused with its name and value, and the file closed", () => {
  test.each([
    [
      "rows",
      { uploadMaxRows: 2 },
      "a,b\n1,2\n3,4\n5,6\n",
      "The file has more than 2 rows (UPLOAD_MAX_ROWS). Split it into smaller files.",
    ],
    [
      "columns",
      { uploadMaxColumns: 2 },
      "a,b\n1,2\n1,2,3\n",
      "Row 3 has 3 columns. At most 2 are allowed (UPLOAD_MAX_COLUMNS).",
    ],
    [
      "columns of a header",
      { uploadMaxColumns: 2 },
      "a,b,c\n1,2\n",
      "Row 1 has 3 columns. At most 2 are allowed (UPLOAD_MAX_COLUMNS).",
    ],
    [
      "a column's name",
      { headerNameMaxBytes: 3 },
      "abc,éé\n1,2\n",
      "The name of column 2 has 4 bytes. At most 3 are allowed (HEADER_NAME_MAX_BYTES).",
    ],
  ])("%s", async (_, limit, text, message) => {
    let isClosed = false;
    async function* source() {
      try {
        yield Buffer.from(text);
        for (;;) yield Buffer.from("1,2\n".repeat(1000));
      } finally {
        isClosed = true;
      }
    }
    await expect(read(source(), { delimiter: "," }, { ...limits, ...limit })).rejects.toMatchObject({
      code: "too_large",
      message,
    });
    expect(isClosed).toBe(true);
  });

  test("a file may have as many rows as the limit", async () => {
    const source = cut(Buffer.from("a,b\n1,2\n\n3,4\n"), 3);
    expect(await read(source, { delimiter: "," }, { ...limits, uploadMaxRows: 2 })).toHaveLength(2);
  });
});

test("a long row has its turn from its first part until the next row is read, and short rows need none", async () => {
  const turns: string[] = [];
  let isHeld = false;
  const longRow = {
    isWanted: false,
    async hold() {
      if (!isHeld) turns.push("hold");
      isHeld = true;
    },
    release() {
      if (isHeld) turns.push("release");
      isHeld = false;
    },
  };
  const long = "x".repeat(1_000_000);
  // As long as those of the network.
  function* pieces(text: string) {
    for (let at = 0; at < text.length; at += 65_536) yield Buffer.from(text.slice(at, at + 65_536));
  }
  async function* source() {
    yield* pieces(`a,b\n${"1,2\n".repeat(200_000)}`);
    turns.push("short rows have been read");
    for (const row of [3, 4]) yield* pieces(`${row},${long}\n`);
    yield* pieces(`5,6\n${"7,8\n".repeat(100_000)}`);
  }
  const { records } = await openCsv(source(), {}, { ...limits, cellMaxBytes: 2 ** 20, longRow });
  let rows = 0;
  for await (const block of records) {
    rows += block.length;
    for (const { fields } of block) if (fields[1] === long) turns.push(`row ${fields[0]}`);
  }
  expect(rows).toBe(300_003);
  expect(turns.slice(0, 4)).toEqual(["short rows have been read", "hold", "row 3", "release"]);
  expect(turns.filter((turn) => turn !== "hold" && turn !== "release").slice(1)).toEqual(["row 3", "row 4"]);
  expect(turns.at(-1)).toBe("release");
});
