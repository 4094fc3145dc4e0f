/** The rules of a target in SQL are never looser than its check, and give the same values. */
import { type SQL, sql } from "drizzle-orm";
import Type from "typebox";
import { expect, test } from "vitest";
import { plainRows, SETTLED, SIMPLE, TRIMMED } from "../../src/targets/plain-rows.ts";
import type { Columns, TargetBatch } from "../../src/targets/target.ts";
import { rowValidator } from "../../src/targets/validate-row.ts";
import { nastyCell, SPACES } from "../support/nasty-cells.ts";
import { randomOf } from "../support/random.ts";
import { useRowmill } from "../support/use-rowmill.ts";

const rowmill = useRowmill();

const columns: Columns = Type.Object({
  name: Type.String({ minLength: 2, maxLength: 5 }),
  note: Type.String({ maxLength: 4, default: " - " }),
  absent: Type.String({ default: "given" }),
});
const batch: TargetBatch = {
  id: "01900000-0000-7000-8000-000000000000",
  userId: 1,
  mode: "insert",
  header: ["note", "name"],
  mapping: { note: 0, name: 1 },
};
const OPEN = sql`batch_id = ${batch.id}`;

test("a row is plain only if the check accepts it, with the same values", async () => {
  const random = randomOf(7);
  const rows = Array.from({ length: 4000 }, () =>
    Array.from({ length: random.pick([0, 1, 2, 2, 2, 2, 2, 3]) }, () => nastyCell(random, [2, 4, 5])),
  );
  await rowmill.ctx.pool.query(
    `INSERT INTO rowmill.batch_rows (batch_id, row_number, fields)
    SELECT $1, number, fields::json FROM unnest($2::text[]) WITH ORDINALITY AS given (fields, number)`,
    [batch.id, rows.map((fields) => JSON.stringify(fields))],
  );
  const target = { name: "test", columns, key: ["name"] } as unknown as Parameters<typeof rowValidator>[0];
  const check = rowValidator(target, batch.mapping);
  const plain = plainRows({ columns, key: ["name"] }, batch, OPEN) as SQL;
  const { rows: found } = await rowmill.ctx.db.execute<{ row_number: number }>(sql`SELECT * FROM ${plain}`);
  expect(found.length).toBeGreaterThan(rows.length / 10);
  for (const { row_number, ...values } of found)
    expect(check(rows[row_number - 1] ?? []), `row ${row_number}`).toEqual({ values });
});

test("SQL trims what JavaScript trims, and nothing else", () => {
  for (const space of SPACES)
    if (space !== "\v")
      expect(TRIMMED.includes(space), space.codePointAt(0)?.toString(16)).toBe(space.trim() === "");
  expect(TRIMMED.trim()).toBe("");
});

/** The characters of the basic plane in a class of a regular expression. */
function charactersIn(characterClass: string): string[] {
  const isIn = new RegExp(`^[${characterClass}]$`);
  return Array.from({ length: 0xffff }, (_, index) => String.fromCharCode(index + 1)).filter((character) =>
    isIn.test(character),
  );
}

async function composedInPostgres(texts: readonly string[]): Promise<string[]> {
  const { rows } = await rowmill.ctx.pool.query<{ texts: string[] }>(
    "SELECT array_agg(text) AS texts FROM unnest($1::text[]) AS text WHERE text IS NFC NORMALIZED",
    [texts],
  );
  return rows[0]?.texts ?? [];
}

test("PostgreSQL and JavaScript agree on which characters of a key are composed", async () => {
  const characters = charactersIn(SETTLED);
  expect(characters.length).toBeGreaterThan(30_000);
  // With a letter before it, a mark composes.
  const texts = characters.flatMap((character) => [character, `a${character}`, `\u1100${character}`]);
  const composed = texts.filter((text) => text.normalize("NFC") === text);
  expect(new Set(await composedInPostgres(texts))).toEqual(new Set(composed));
});

test("a text of simple characters is composed and trimmed, and its JSON has no escapes", async () => {
  const characters = charactersIn(SIMPLE);
  expect(characters.length).toBeGreaterThan(30_000);
  const texts = characters.flatMap((character) => [
    character,
    `a${character}`,
    `\u1100${character}`,
    `\uac00${character}`,
  ]);
  expect(texts.filter((text) => text.normalize("NFC") !== text)).toEqual([]);
  expect(await composedInPostgres(texts)).toHaveLength(texts.length);
  const isTrimmed = (character: string) => character.trim() !== "" && !TRIMMED.includes(character);
  expect(characters.filter((character) => !isTrimmed(character))).toEqual([" "]);
  const isEscaped = (character: string) => JSON.stringify(character) !== `"${character}"`;
  expect(characters.filter((character) => isEscaped(character))).toEqual(['"']);
  const { rows } = await rowmill.ctx.pool.query(
    "SELECT text FROM unnest($1::text[]) AS text WHERE text !~ $2",
    [characters, `^[${SIMPLE}]$`],
  );
  expect(rows).toEqual([]);
});

test("a target with a rule that SQL does not know has no plain rows", () => {
  for (const rule of [Type.String({ pattern: "^[a-z]+$" }), Type.String({ format: "email" })])
    expect(plainRows({ columns: Type.Object({ name: rule }) }, batch, OPEN)).toBeNull();
});
