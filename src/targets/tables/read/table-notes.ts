/** Facts about a table that an administrator should know before files are imported into it. */
import type { TableFacts } from "./table-facts.ts";
import { conditionOf, tableName } from "./texts.ts";

const list = new Intl.ListFormat("en", { type: "conjunction" });

export function notesOf(facts: TableFacts): string[] {
  return [...codeNotes(facts), ...keyNotes(facts), ...ruleNotes(facts), ...storageNotes(facts)];
}

function codeNotes({ triggers, hasRowSecurity, policies }: TableFacts): string[] {
  const notes = triggers.map(
    ({ name, when, function: called, functionOwner }) =>
      `The trigger ${name} (${when}) calls ${called}, which ${functionOwner} owns. A row that it skips is reported as failed.`,
  );
  if (!hasRowSecurity) return notes;
  const names = policies.map(({ name }) => name);
  const which =
    names.length > 0 ? `Its policies are ${list.format(names)}.` : "It has no policy, so every row fails.";
  return [...notes, `Row-level security is on: rows that it does not allow fail. ${which}`];
}

function keyNotes({ keys, columns }: TableFacts): string[] {
  const unusable = keys.flatMap(({ name, why }) =>
    why ? [`${name} cannot be the key of the target, because it ${why}. Rows that break it fail.`] : [],
  );
  const nullable = keys.filter(
    (key) => key.usable && !key.nullsNotDistinct && key.columns.some((name) => isNullable(columns, name)),
  );
  return [
    ...unusable,
    ...nullable.map(
      ({ name }) => `Records with null in a column of ${name} have no key, so rows never match them.`,
    ),
    ...columns
      .filter(({ hasOwnEquality, name }) => hasOwnEquality && keys.some((key) => key.columns.includes(name)))
      .map(({ name }) => `PostgreSQL compares ${name} without regard to case, or by rules of its own.`),
  ];
}

const isNullable = (columns: TableFacts["columns"], wanted: string) =>
  columns.some(({ name, isNotNull }) => name === wanted && !isNotNull);

function ruleNotes({ checks, exclusions, foreignKeys }: TableFacts): string[] {
  return [
    ...checks
      .filter(({ columns }) => columns.length > 1)
      .map(({ name, text }) => `The rule ${name} is checked by PostgreSQL: ${conditionOf(text)}.`),
    ...exclusions.map(({ name, text }) => `The constraint ${name} is checked by PostgreSQL: ${text}.`),
    ...foreignKeys
      .filter(({ uniqueTextColumns }) => uniqueTextColumns.length === 0)
      .map(
        ({ columns, ...other }) =>
          `Files have the values of ${tableName(other)} in ${list.format(columns)}: it has no unique column of text to look them up by, or the role may not read it.`,
      ),
  ];
}

function storageNotes({ isUnlogged, children, partitionKey, rules, privileges }: TableFacts): string[] {
  const notes: string[] = [];
  if (isUnlogged)
    notes.push(
      "The table is unlogged: a crash of the server empties it, and Rowmill keeps the results of its batches.",
    );
  if (children.length > 0)
    notes.push(
      `${list.format(children)} inherit from the table: updates reach their records, but keys do not cover them.`,
    );
  if (partitionKey.length > 0) notes.push("The table is partitioned: a row without a partition fails.");
  if (rules.length > 0)
    notes.push(`The table has rules (${list.format(rules)}), which targets do not support.`);
  for (const sequence of privileges.missingSequences)
    notes.push(`The role may not use the sequence ${sequence} of a default.`);
  return notes;
}
