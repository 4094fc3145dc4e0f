/** Result files and groups of errors in answers. */
import Type, { type Static } from "typebox";
import { CONTENT_DISPOSITION } from "../../platform/http/download.ts";
import { MapOf, nullable } from "../../platform/http/schemas.ts";
import { RowStatus } from "../views.ts";
import { MEDIA_TYPES } from "./result-formats.ts";

const ErrorGroupView = Type.Object({
  code: Type.String({ description: "The broken rule, for programs.", examples: ["required"] }),
  column: nullable(Type.String({ examples: ["title"] }), "null: the error concerns the whole row."),
  count: Type.Integer({ description: "The number of rows with this error.", examples: [4] }),
  message: Type.String({
    description: "The message of the first of these rows; others may name other values.",
    examples: ["title is required"],
  }),
  rows: Type.Array(Type.Integer(), { description: "The first of these rows.", examples: [[3, 17, 40, 41]] }),
  rows_url: Type.String({
    description: "The list of these rows, from the first one on.",
    examples: [
      "/api/v1/batches/01a20159-f320-7af5-a6be-a1fe00000000/rows?error_code=required&error_column=title&from_row=3",
    ],
  }),
});

export const ErrorGroupsView = Type.Object(
  {
    failed: Type.Integer({ description: "The number of failed rows.", examples: [4] }),
    groups: Type.Array(ErrorGroupView, { description: "The most frequent first." }),
    ungrouped: Type.Integer({
      description: "Errors beyond the first thousand groups; nearly always 0.",
      examples: [0],
    }),
  },
  { description: "The errors, in groups." },
);
export type ErrorGroupsView = Static<typeof ErrorGroupsView>;

const ResultRowView = Type.Object(
  {
    _row: Type.Integer({ description: "The row as a spreadsheet shows it." }),
    _status: RowStatus,
    _error_code: nullable(Type.String(), "The first broken rule, for programs."),
    _error: nullable(Type.String(), "All broken rules, for people."),
    _id: Type.Union(
      [Type.Integer(), MapOf(nullable(Type.String(), "null: the column is empty.")), Type.Null()],
      {
        description:
          "The record that the row created or updated: its id, or the columns of its key if it is in a table of an application.",
      },
    ),
    _extra: Type.Optional(
      Type.Array(Type.String(), { description: "The cells beyond the header. Absent if the row has none." }),
    ),
  },
  {
    additionalProperties: Type.Union([
      Type.String(),
      Type.Integer(),
      Type.Null(),
      Type.Array(Type.String()),
      MapOf(nullable(Type.String(), "null: the column is empty.")),
    ]),
    description: "The columns of the file in their order, then these.",
  },
);

const CSV_EXAMPLE = `Title,Book Author,_row,_status,_error_code,_error,_id
,Nobody,3,failed,required,title is required,
`;
const JSON_EXAMPLE = {
  Title: "",
  "Book Author": "Nobody",
  _row: 3,
  _status: "failed",
  _error_code: "required",
  _error: "title is required",
  _id: null,
};

export const RESULT_FILE = {
  description: "The file.",
  headers: CONTENT_DISPOSITION,
  content: {
    [MEDIA_TYPES.csv]: { schema: Type.String({ examples: [CSV_EXAMPLE] }) },
    [MEDIA_TYPES.json]: { schema: Type.Array(ResultRowView, { examples: [[JSON_EXAMPLE]] }) },
    [MEDIA_TYPES.ndjson]: {
      schema: Type.String({
        description: "One object per line, as in the JSON file.",
        examples: [`${JSON.stringify(JSON_EXAMPLE)}\n`],
      }),
    },
  },
};
