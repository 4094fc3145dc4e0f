/** Records in answers. */
import Type from "typebox";
import { MapOf, Moment, Uuid } from "../platform/http/schemas.ts";
import type { StoredRecord } from "./queries.ts";

const RecordData = MapOf(Type.Unknown(), {
  description:
    "The cells by the columns of the file, in their order, as text. `_extra` is an array of the cells beyond the header. " +
    "Records of a defined target have its columns, with values of their types.",
  examples: [{ name: "John", role: "Dev", loc: "NY" }],
});

export const RecordView = Type.Object(
  {
    id: Type.Integer({ description: "The id of the record." }),
    batch_id: { ...Uuid, description: "The batch that created the record." },
    row: Type.Integer({ description: "The row of the file as a spreadsheet shows it." }),
    data: RecordData,
    created_at: Moment("When the record was created."),
  },
  {
    $id: "SavedRecord",
    description: "A row of a CSV, stored unchanged.",
    examples: [
      {
        id: 1,
        batch_id: "01a20159-f320-7af5-a6be-a1fe00000000",
        row: 2,
        data: { name: "John", role: "Dev", loc: "NY" },
        created_at: "2026-11-22T03:43:23.486Z",
      },
    ],
  },
);

/** A record as JSON text, because parsing `data` would change the order of its names. */
export function recordJson({ id, batchId, row, data, createdAt }: StoredRecord): string {
  const head = JSON.stringify({ id, batch_id: batchId, row });
  return `${head.slice(0, -1)},"data":${data},"created_at":${JSON.stringify(createdAt)}}`;
}
