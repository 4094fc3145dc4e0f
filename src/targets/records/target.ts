import Type from "typebox";
import { countExtraFields } from "../../platform/csv/open-csv.ts";
import { uniqueNames } from "../../platform/csv/unique-names.ts";
import { EXTRA_COLUMN } from "../match-header.ts";
import type { SetTarget, TargetBatch } from "../target.ts";
import { insertPlainRecords } from "./insert-plain-records.ts";
import { insertRecords, undoRecords } from "./write-records.ts";

const columns = Type.Object({});

export const recordsTarget: SetTarget<typeof columns> = {
  name: "records",
  description:
    "Any CSV: each row is stored as a JSON object with the columns of the file in their order. " +
    `Cells beyond the header are stored as an array of texts under \`${EXTRA_COLUMN}\`.`,
  columns,
  aliases: {},
  isOpen: true,
  modes: ["insert", "append"],

  write: (tx, batch, rows) => {
    const toJson = recordWriter(batch);
    return insertRecords(
      tx,
      batch,
      rows.map(({ row, id, fields }) => ({ row, id, data: toJson(fields) })),
    );
  },

  plain: {
    table: "records",
    inserts: (batch, open) => insertPlainRecords(batch, labelsOf(batch), open),
    writesAnywhere: () => true,
  },

  undo: undoRecords,
};

/** The names of the kept columns as they begin the members of an object, in the order of the file. */
function labelsOf({ mapping }: TargetBatch) {
  return Object.entries(mapping)
    .toSorted(([, a], [, b]) => a - b)
    .map(([name, position]) => ({ name, label: `${JSON.stringify(name)}:`, position }));
}

/** Writes JSON as text: a JavaScript object would put names such as "2" first and treat "__proto__" specially. */
function recordWriter(batch: TargetBatch): (fields: readonly string[]) => string {
  const { header } = batch;
  const labels = labelsOf(batch);
  const names = labels.map(({ name }) => name);
  const extraLabel = `${JSON.stringify(uniqueNames([...names, EXTRA_COLUMN]).at(-1))}:`;
  return (fields) => {
    const members = labels.map(({ label, position }) => label + JSON.stringify(fields[position] ?? ""));
    const extra = countExtraFields(fields, header.length);
    if (extra > 0)
      members.push(extraLabel + JSON.stringify(fields.slice(header.length, header.length + extra)));
    return `{${members.join(",")}}`;
  };
}
