/** Citus hides the code of an error in a row that it copies to a node, and copies what a statement does not return. */
import { expect, test } from "vitest";
import { effects, importFile } from "../support/imports.ts";
import { recordStatements } from "../support/record-statements.ts";
import { useRowmill, useUser } from "../support/use-rowmill.ts";

const rowmill = useRowmill();
const user = useUser(rowmill, "owner");

test.for([
  ["books", "insert"],
  ["books", "append"],
  ["books", "skip_existing"],
  ["books", "upsert"],
  ["records", "insert"],
] as const)(
  "the statement that writes a single row of %s in the mode %s returns it",
  async ([target, mode]) => {
    const sent = recordStatements();
    // The database leaves rows with this character to the program.
    const batch = await importFile(rowmill, user, `title,author\nBook\u000bof ${mode},A\n`, mode, { target });
    expect(await effects(rowmill, batch)).toEqual({ 2: "created" });
    const texts = [...sent.values()].flat();
    const written = texts.filter((text) => text.startsWith(`INSERT INTO rowmill.${target} `));
    expect(written.length).toBeGreaterThan(0);
    for (const text of written) expect(text).toMatch(/ RETURNING id$/);
  },
);
