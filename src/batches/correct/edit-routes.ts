import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type, { type Static } from "typebox";
import type { Context } from "../../context.ts";
import { invalidField } from "../../errors.ts";
import { problems } from "../../platform/http/errors.ts";
import { MapOf, nullable } from "../../platform/http/schemas.ts";
import { userRoutes } from "../../platform/http/user-routes.ts";
import { causeFields, readCause } from "../cause.ts";
import { MAX_ROW_NUMBER } from "../ids.ts";
import { BatchParams, RowParams } from "../params.ts";
import { viewRowDetail } from "../row-views.ts";
import { editRow } from "./edit-row.ts";
import { editRows, MAX_EDITED_ROWS } from "./edit-rows.ts";
import { MATCHES, type Replaced, type Replacement, replaceCells } from "./replace-cells.ts";

/** For counting, and again for changing: connections without traffic are closed after two minutes. */
const SECONDS = 30;
/** Rows are searched with each of its characters. */
const MAX_FIND_LENGTH = 200;

const RowNumber = (description: string) =>
  Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_ROW_NUMBER, description, examples: [3] }));

const filterFields = {
  unprocessed: Type.Optional(
    Type.Boolean({ description: "Search unprocessed rows as well. Cannot be combined with a cause." }),
  ),
  ...causeFields,
  from_row: RowNumber("Only this row and later ones."),
  to_row: RowNumber("Only this row and earlier ones."),
};

/** Rejects unknown fields: a typo would match more rows than intended. */
const Filter = Type.Object(filterFields, {
  propertyNames: { enum: Object.keys(filterFields) },
  description: "The rows to search. Absent: all failed rows.",
});

const bodyFields = {
  column: Type.Optional(
    Type.String({ description: "The column of the file to search.", examples: ["Title"] }),
  ),
  find: Type.Optional(
    Type.String({
      maxLength: MAX_FIND_LENGTH,
      description: "The text to find, literally. Empty with `whole_cell`: finds empty cells.",
      examples: [";"],
    }),
  ),
  replace: Type.Optional(Type.String({ description: "The text to put in its place.", examples: [","] })),
  match: Type.Optional(
    Type.Enum([...MATCHES], {
      description:
        "contains (default): replaces each occurrence. whole_cell: replaces cells that equal the text.",
    }),
  ),
  ignore_case: Type.Optional(Type.Boolean({ description: "Find upper and lower case alike." })),
  filter: Type.Optional(Filter),
  expect: Type.Optional(
    Type.Integer({
      minimum: 0,
      description:
        "The `matched` of an earlier request without `expect`. Absent: the request only counts and changes nothing.",
      examples: [2],
    }),
  ),
  rows: Type.Optional(
    Type.Array(
      Type.Object(
        {
          row: Type.Integer({
            minimum: 1,
            maximum: MAX_ROW_NUMBER,
            description: "The row.",
            examples: [3],
          }),
          fields: MapOf(Type.String(), {
            minProperties: 1,
            description: "The new cells, by column of the file. Other cells stay unchanged.",
            examples: [{ Title: "Persuasion" }],
          }),
        },
        { additionalProperties: false },
      ),
      {
        minItems: 1,
        maxItems: MAX_EDITED_ROWS,
        description: "The second form: new cells for these rows. No other field can be sent with it.",
      },
    ),
  ),
};

const EditBody = Type.Object(bodyFields, {
  propertyNames: { enum: Object.keys(bodyFields) },
  examples: [
    { column: "Title", find: ";", replace: ",", expect: 2 },
    { rows: [{ row: 3, fields: { Title: "Persuasion" } }] },
  ],
});

const EditedView = Type.Object(
  {
    matched: Type.Integer({ description: "The rows that match, or the rows of the request.", examples: [2] }),
    changed: Type.Integer({
      description:
        "The changed rows: 0 without `expect`. Below `matched` if the time was up, or the batch was retried meanwhile.",
      examples: [2],
    }),
    samples: Type.Array(
      Type.Object({
        row: Type.Integer({ description: "The row.", examples: [3] }),
        before: Type.String({
          description: "The cell, up to 200 characters.",
          examples: ["Emma; or, the heiress"],
        }),
        after: Type.String({
          description: "The cell after the change.",
          examples: ["Emma, or, the heiress"],
        }),
      }),
      { description: "The first ten of the matching rows." },
    ),
    next_row: nullable(
      Type.Integer({ examples: [41_002] }),
      "The first row that was not searched, because the request took too long. null: all were searched. To change the rows that " +
        "were counted, send `to_row` below it with `expect`; to continue, send it as `from_row`.",
    ),
  },
  { description: "The numbers of rows." },
);

const EditRowBody = Type.Object(
  {
    fields: MapOf(Type.String(), {
      minProperties: 1,
      description: "The new cells, by column of the file. Other cells stay unchanged.",
      examples: [{ title: "Persuasion" }],
    }),
  },
  { additionalProperties: false },
);

export function batchEditRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  // As large as the largest row of an upload, with room for JSON.
  const rowBytes = 4 * ctx.config.cellMaxBytes + 65_536;
  return userRoutes(ctx, { tags: ["batches"] }, (app, shared) => {
    app.patch(
      "/api/v1/batches/:batch_id/rows/:row",
      {
        bodyLimit: rowBytes,
        schema: {
          ...shared,
          operationId: "updateBatchRow",
          summary: "Update the cells of a row",
          description:
            "For rows that failed or were not processed. The history of the row keeps the old cells and the user who " +
            "changed them. Retry the row afterwards.",
          params: RowParams,
          body: EditRowBody,
          response: { 200: Type.Ref("RowDetail"), ...problems(400, 401, 403, 404, 409, 413, 415) },
        },
      },
      async ({ ctx, user, params, body }) => {
        const { batch, row } = await editRow(ctx, user.id, params.batch_id, params.row, body.fields);
        return viewRowDetail(batch, row);
      },
    );

    app.post(
      "/api/v1/batches/:batch_id/rows/edit",
      {
        bodyLimit: rowBytes,
        schema: {
          ...shared,
          operationId: "editBatchRows",
          summary: "Edit many rows",
          description:
            "For rows that failed or were not processed, in a batch that has ended. Their history keeps the old cells. Retry them " +
            "afterwards.\n\n" +
            "Find and replace in one column: send `column`, `find` and `replace`. Without `expect`, the request only counts and " +
            "shows samples; if `expect` is not the number of matches, nothing changes (409). Rows that are not valid CSV are left " +
            "out, and secret columns are refused.\n\n" +
            `Or send up to ${MAX_EDITED_ROWS} \`rows\` with their new cells, such as a paste from a spreadsheet. All of them change, or none.`,
          params: BatchParams,
          body: EditBody,
          response: { 200: EditedView, ...problems(400, 401, 403, 404, 409, 413, 415) },
        },
      },
      async ({ ctx, user, params, body }) => {
        const { rows } = body;
        if (!rows)
          return viewReplaced(
            await replaceCells(ctx, user.id, params.batch_id, readReplacement(body), SECONDS),
          );
        const other = Object.keys(body).find((name) => name !== "rows");
        if (other !== undefined)
          throw invalidField(other, "cannot be combined with `rows`. Send one of the two.");
        return { ...(await editRows(ctx, user.id, params.batch_id, rows)), samples: [], next_row: null };
      },
    );
  });
}

function readReplacement({
  column,
  find,
  replace,
  match,
  ignore_case,
  filter = {},
  expect,
}: Static<typeof EditBody>): Replacement {
  const { unprocessed = false, from_row: fromRow = 1, to_row: toRow = MAX_ROW_NUMBER } = filter;
  return {
    column: required("column", column),
    find: required("find", find),
    replace: required("replace", replace),
    match: match ?? "contains",
    ignoreCase: ignore_case ?? false,
    filter: { unprocessed, cause: readCause(filter), fromRow, toRow },
    expect,
  };
}

function required(name: string, value: string | undefined): string {
  if (value === undefined) throw invalidField(name, "is required, unless you send `rows`.");
  return value;
}

function viewReplaced({ matched, changed, samples, nextRow }: Replaced): Static<typeof EditedView> {
  return { matched, changed, samples: [...samples], next_row: nextRow };
}
