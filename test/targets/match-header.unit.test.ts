import Type from "typebox";
import { describe, expect, test } from "vitest";
import { DomainError } from "../../src/errors.ts";
import { booksTarget } from "../../src/targets/books/target.ts";
import {
  matchHeader,
  parseMapping,
  type RequestedMapping,
  resultColumnsAt,
} from "../../src/targets/match-header.ts";
import { recordsTarget } from "../../src/targets/records/target.ts";
import type { Target } from "../../src/targets/target.ts";

const target: Target = {
  name: "people",
  description: "Only to match headers with.",
  columns: Type.Object({
    full_name: Type.String({ minLength: 1 }),
    email: Type.String({ minLength: 1 }),
    note: Type.String({ default: "" }),
  }),
  aliases: { full_name: ["name", "person"], email: ["e-mail address"] },
  write: () => Promise.reject(new Error("nothing is written here")),
};

function refusalOf(names: string[], given?: RequestedMapping, of = target): DomainError {
  try {
    matchHeader(of, names, given);
  } catch (error) {
    expect(error).toBeInstanceOf(DomainError);
    return error as DomainError;
  }
  return expect.fail("the header was taken");
}

describe("a column is found", () => {
  test.each([
    ["by its name", ["full_name", "email", "note"], { full_name: 0, email: 1, note: 2 }],
    ["in any order", ["note", "email", "x", "full_name"], { full_name: 3, email: 1, note: 0 }],
    ["whatever its case", ["FULL_NAME", "eMail"], { full_name: 0, email: 1 }],
    ["with spaces around it", ["  full_name ", "\temail"], { full_name: 0, email: 1 }],
    ["with a space for `_`", ["Full Name", "email"], { full_name: 0, email: 1 }],
    ["without its `_`", ["FullName", "email"], { full_name: 0, email: 1 }],
    ["with `-` for `_`", ["full-name", "e-mail"], { full_name: 0, email: 1 }],
    ["by an alias", ["Name", "email"], { full_name: 0, email: 1 }],
    ["by an alias, whatever its spelling", ["PERSON", "E Mail_Address"], { full_name: 0, email: 1 }],
    ["by its own name before an alias", ["name", "full name", "email"], { full_name: 1, email: 2 }],
    ["by an earlier alias before a later one", ["person", "name", "email"], { full_name: 1, email: 2 }],
    [
      "in spite of zero-width characters",
      ["\u200Bfull_name\u2060", "e\u00ADmail\u200E"],
      { full_name: 0, email: 1 },
    ],
    ["with other blanks", ["Full\u00A0\u2003 Name", "email\u3000"], { full_name: 0, email: 1 }],
    ["in full-width letters", ["ＦＵＬＬ＿ＮＡＭＥ", "email"], { full_name: 0, email: 1 }],
    ["with decoration", ["* Full Name (required):", "email*"], { full_name: 0, email: 1 }],
    [
      "with other decoration",
      ["Person [Required]", "E-Mail: *", "Note (optional)"],
      { full_name: 0, email: 1, note: 2 },
    ],
    ["with a line break in its name", ["Full\nName", "email"], { full_name: 0, email: 1 }],
    ["at the first of equal names", ["email", "full_name", "email"], { full_name: 1, email: 0 }],
  ])("a column is found %s", (_, names, mapping) => {
    expect(matchHeader(target, names).mapping).toEqual(mapping);
  });

  test("a column is not found by an unknown name", () => {
    expect(matchHeader(target, ["name", "email", "notes", "note2"]).mapping).toEqual({
      full_name: 0,
      email: 1,
    });
  });
});

describe("the header", () => {
  const rest = ["name", "email"];

  test("header names are trimmed", () => {
    expect(matchHeader(target, [" Full Name ", "E-Mail", "Größe", "__proto__"]).header).toEqual([
      "Full Name",
      "E-Mail",
      "Größe",
      "__proto__",
    ]);
  });

  test("repeated header names become unique", () => {
    const { header } = matchHeader(target, [...rest, "x", "x", "x"]);
    expect(header).toEqual([...rest, "x", "x_2", "x_3"]);
  });

  test("empty header names get generated names", () => {
    expect(matchHeader(target, [...rest, "", "  ", ""]).header).toEqual([
      ...rest,
      "column_3",
      "column_4",
      "column_5",
    ]);
  });

  test.each([
    [["x", "x", "x_2"]],
    [["x_2", "x", "x"]],
    [["", "column_3", ""]],
    [["column_4", "", ""]],
    [["constructor", "constructor", "__proto__", "__proto__"]],
  ])("generated header names stay unique: %j", (names) => {
    const { header } = matchHeader(target, [...rest, ...names]);
    expect(header).toHaveLength(rest.length + names.length);
    expect(new Set(header).size).toBe(header.length);
  });
});

describe("a header without a column that is required", () => {
  test("a missing column is refused with its aliases and the names found", () => {
    const error = refusalOf(["nom", "email", "nom"]);
    expect(error.code).toBe("invalid_input");
    expect(error.message).toContain('no column "full_name" (or name, person)');
    expect(error.message).toContain("Found: nom, email, nom_2.");
    expect(Object.keys(error.fieldErrors)).toEqual(["file"]);
  });

  test("the message shows characters that cannot be seen", () => {
    const { message } = refusalOf(["n\u200Bom", "e\u00A0mail\nx", "plain name"]);
    expect(message).toContain("Found: n<U+200B>om, e<U+00A0>mail<U+000A>x, plain name.");
  });

  test("every missing column is refused", () => {
    expect(refusalOf(["name", "mail"]).message).toContain('no column "email"');
  });

  test("the message about a missing column has bounded length", () => {
    const names = Array.from({ length: 1000 }, (_, index) => `a-rather-long-column-name-${index}`);
    expect(refusalOf(names).message.length).toBeLessThan(1000);
  });
});

test.each([
  [["title", "author", "description"], { title: 0, author: 1, description: 2 }],
  [["Author", "Title"], { title: 1, author: 0 }],
  [["book_id", "authors", "original_title", "title"], { title: 3, author: 1 }],
  [["authors", "original_title"], { title: 1, author: 0 }],
  [["Book Title", "Writer", "Summary"], { title: 0, author: 1, description: 2 }],
])("the columns of books are found under %j", (names, mapping) => {
  expect(matchHeader(booksTarget, names).mapping).toEqual(mapping);
});

describe("a mapping", () => {
  const header = ["Wer", "Mail", "Notiz", "name"];
  const mapped = (given: RequestedMapping, of = target) => matchHeader(of, header, given).mapping;

  test("a mapping assigns columns", () => {
    expect(mapped({ Wer: "full_name", Mail: "email", Notiz: "note" })).toEqual({
      full_name: 0,
      email: 1,
      note: 2,
    });
  });

  test("a mapping leaves unmentioned columns to names and aliases", () => {
    expect(mapped({ Mail: "email" })).toEqual({ full_name: 3, email: 1 });
  });

  test("a mapping takes precedence over a column's own name", () => {
    const given = { x: "email", email: "note" };
    expect(matchHeader(target, ["x", "email", "name"], given).mapping).toEqual({
      full_name: 2,
      email: 0,
      note: 1,
    });
  });

  test("a mapping can ignore a column", () => {
    expect(matchHeader(target, ["name", "email", "note"], { note: null }).mapping).toEqual({
      full_name: 0,
      email: 1,
    });
  });

  test("a mapping can use generated names", () => {
    expect(matchHeader(target, ["", "x", "x"], { column_1: "full_name", x_2: "email" }).mapping).toEqual({
      full_name: 0,
      email: 2,
    });
  });

  test.each([
    ["composed for decomposed letters", "Café", "Cafe\u0301"],
    ["decomposed for composed letters", "Cafe\u0301", "Café"],
    ["without the zero-width space of the file", "Titel", "\u200BTitel"],
    ["with a plain blank for another", "Mein Titel", "Mein\u00A0Titel"],
    ["with one blank for two", "Mein Titel", "Mein  Titel"],
    ["in another case", "TITEL", "titel"],
    ["in another case with ß", "GROSSE", "große"],
    ["in another case with a final sigma", "ΤΙΤΛΟΣ", "τίτλος".normalize("NFD").replace("\u0301", "")],
    ["without the decoration of the file", "Titel", "Titel (required)*"],
  ])("a mapping finds a column %s", (_, written, inFile) => {
    const { mapping } = matchHeader(target, [inFile, "email"], { [written]: "full_name" });
    expect(mapping).toEqual({ full_name: 0, email: 1 });
  });

  test("a mapping prefers the exact name, and names what it cannot tell apart", () => {
    expect(matchHeader(target, ["Titel", "titel", "email"], { titel: "full_name" }).mapping.full_name).toBe(
      1,
    );
    expect(refusalOf(["Titel", "titel", "email"], { TITEL: "full_name" }).message).toBe(
      'mapping: Several columns of the file match "TITEL": Titel, titel. Write the name exactly.',
    );
    expect(refusalOf(["titel", "email"], { Titel: "full_name", TITEL: null }).message).toBe(
      'mapping: The column "titel" is mapped twice. Map it once.',
    );
  });

  test("a mapping names the columns of a target in any case", () => {
    expect(matchHeader(target, ["a", "b"], { a: "Full Name", b: "E-mail" }).mapping).toEqual({
      full_name: 0,
      email: 1,
    });
  });

  test.each<[string, RequestedMapping, RegExp]>([
    ["a column that the file does not have", { Nom: "full_name" }, /no column "Nom".*Wer, Mail, Notiz, name/],
    [
      "a column that the target does not have",
      { Wer: "who" },
      /people has no column "who".*full_name, email, note/,
    ],
    ["what every object has", { Wer: "constructor" }, /no column "constructor"/],
    ["a column twice", { Wer: "email", Mail: "email" }, /Two columns are mapped to "email"/],
    ["too little", { Wer: "full_name" }, /has a column for "email".*Wer, Mail/],
    ["a column that is needed for nothing", { Mail: "email", name: null }, /has a column for "full_name"/],
  ])("a mapping that names %s is refused", (_, given, message) => {
    const error = refusalOf(header, given);
    expect(Object.keys(error.fieldErrors)).toEqual(["mapping"]);
    expect(error.message).toMatch(message);
  });

  test("a mapping for any header renames and omits columns", () => {
    expect(mapped({}, recordsTarget)).toEqual({ Wer: 0, Mail: 1, Notiz: 2, name: 3 });
    expect(mapped({ Wer: "who", Mail: null, name: "Wer" }, recordsTarget)).toEqual({
      who: 0,
      Notiz: 2,
      Wer: 3,
    });
  });

  test.each<[string, RequestedMapping, RegExp]>([
    ["two columns under one name", { Wer: "name" }, /Two columns would have the name "name"/],
    ["a column under no name", { Wer: " " }, /The new name of "Wer" is empty/],
    ["nothing", { Wer: null, Mail: null, Notiz: null, name: null }, /Every column is ignored/],
  ])("a mapping for any header with %s is refused", (_, given, message) => {
    const error = refusalOf(header, given, recordsTarget);
    expect(Object.keys(error.fieldErrors)).toEqual(["mapping"]);
    expect(error.message).toMatch(message);
  });

  test("a mapping keeps names such as __proto__", () => {
    const { mapping } = matchHeader(recordsTarget, ["__proto__", "constructor", "2"]);
    expect(JSON.parse(JSON.stringify(mapping))).toEqual(JSON.parse('{"__proto__":0,"constructor":1,"2":2}'));
    expect(Object.keys(mapping)).toHaveLength(3);
  });

  test("a mapping is read from JSON", () => {
    expect(parseMapping('{"Wer":"full_name","Mail":null}')).toEqual({ Wer: "full_name", Mail: null });
    for (const text of ["", "{", "[]", "null", '"x"', "1", '{"a":1}', '{"a":["b"]}', '{"a":true}']) {
      expect(() => parseMapping(text)).toThrow(/^mapping: /);
    }
  });
});

test("a results file is recognized by its last columns", () => {
  const ours = ["_row", "_status", "_error_code", "_error", "_id"];
  expect(resultColumnsAt(["title", "author", ...ours])).toBe(2);
  expect(resultColumnsAt(["title", ...ours.map((name) => ` ${name.toUpperCase()} `)])).toBe(1);
  expect(resultColumnsAt(["title", ...ours, "_extra"])).toBe(1);
  for (const names of [
    ours,
    [...ours, "_extra"],
    ["_extra"],
    ["title"],
    [],
    [...ours, "title"],
    ["title", ...ours.toReversed()],
  ]) {
    expect(resultColumnsAt(names)).toBe(-1);
  }
});
