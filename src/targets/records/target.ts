import { sql } from "drizzle-orm";
import Type from "typebox";
import { countExtraFields } from "../../platform/csv/open-csv.ts";
import { uniqueNames } from "../../platform/csv/unique-names.ts";
import { allocateIds } from "../allocate-ids.ts";
import { EXTRA_COLUMN } from "../match-header.ts";
import { created } from "../outcomes.ts";
import type { SetTarget, TargetBatch } from "../target.ts";

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

  async write(tx, batch, rows) {
    const toJson = recordWriter(batch);
    const ids = await allocateIds(tx, "records", rows.length);
    await tx.db.execute(sql`
      INSERT INTO rowmill.records (id, user_id, batch_id, row_number, data)
      SELECT id, ${batch.userId}, ${batch.id}, row_number, data::json
      FROM unnest(${sql.param(ids)}::bigint[], ${sql.param(rows.map(({ row }) => row))}::int[],
        ${sql.param(rows.map(({ fields }) => toJson(fields)))}::text[]) AS cells (id, row_number, data)`);
    return ids.map(created);
  },

  async undo(tx, batch, rows) {
    const ids = sql.param(rows.map(({ recordId }) => recordId));
    // No index serves IS NOT DISTINCT FROM: with old statistics the planner would read the whole batch for `=`.
    const { rows: removed } = await tx.db.execute<{ id: string }>(sql`
      DELETE FROM rowmill.records
      WHERE id = ANY(${ids}::bigint[]) AND batch_id IS NOT DISTINCT FROM ${batch.id} RETURNING id`);
    const removedIds = new Set(removed.map(({ id }) => Number(id)));
    return rows.map(({ recordId }) =>
      removedIds.has(recordId)
        ? { kind: "reversed" }
        : { kind: "kept", reason: "The record was deleted later." },
    );
  },
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
