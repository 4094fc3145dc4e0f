import { expect, test } from "vitest";
import { kinds } from "../../src/announcements/kinds.ts";
import { KINDS, subjectPath } from "../../src/console/pages/inbox/subject.ts";
import { kindWords } from "../../src/console/words/kinds.ts";

test("every kind of notification has a page or none, and a name", () => {
  expect([...KINDS].sort()).toEqual([...kinds].sort());
  expect(kinds.filter((kind) => kindWords[kind] === undefined)).toEqual([]);
});

test("a notification leads to what it is about", () => {
  const path = (kind: (typeof kinds)[number]) => subjectPath({ kind, subject_id: "a/b" });
  expect(path("batch.finished")).toBe("/batches/a%2Fb");
  expect(path("backup.failed")).toBe("/admin/backups");
  expect(path("message")).toBeNull();
});

test("a kind of a newer server has no page", () => {
  expect(subjectPath({ kind: "moon.risen" as never, subject_id: "1" })).toBeNull();
});
