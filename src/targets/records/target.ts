import Type from "typebox";
import { countExtraFields } from "../../platform/csv/open-csv.ts";
import { uniqueNames } from "../../platform/csv/unique-names.ts";
import { EXTRA_COLUMN } from "../match-header.ts";
import type { SetTarget, TargetBatch } from "../target.ts";
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
      rows.map(({ row, fields }) => ({ row, data: toJson(fields) })),
    );
  },

  undo: undoRecords,
};

/** Writes JSON as text: a JavaScript object would put names such as "2" first and treat "__proto__" specially. */
function recordWriter({ header, mapping }: TargetBatch): (fields: readonly string[]) => string {
  const kept = Object.entries(mapping).toSorted(([, a], [, b]) => a - b);
  const names = kept.map(([name]) => name);
  const labels = kept.map(([name, position]) => ({ label: `${JSON.stringify(name)}:`, position }));
  const extraLabel = `${JSON.stringify(uniqueNames([...names, EXTRA_COLUMN]).at(-1))}:`;
  return (fields) => {
    const members = labels.map(({ label, position }) => label + JSON.stringify(fields[position] ?? ""));
    const extra = countExtraFields(fields, header.length);
    if (extra > 0)
      members.push(extraLabel + JSON.stringify(fields.slice(header.length, header.length + extra)));
    return `{${members.join(",")}}`;
  };
}
