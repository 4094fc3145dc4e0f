import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../context.ts";
import { invalidField } from "../errors.ts";
import { DETAIL_BYTES } from "../platform/http/bounded-answers.ts";
import { problems } from "../platform/http/errors.ts";
import { NOT_MODIFIED, sendVersion } from "../platform/http/etag.ts";
import {
  decodeNumberCursor,
  decodeUuidCursor,
  Page,
  PageQuery,
  pageOf,
  SearchedPage,
  searchedPageOf,
} from "../platform/http/paging.ts";
import { userRoutes } from "../platform/http/user-routes.ts";
import { causeFields, readCause } from "./cause.ts";
import { batchFilterFields, readBatchFilter } from "./filter.ts";
import { MAX_ROW_NUMBER } from "./ids.ts";
import { BatchParams, RowParams } from "./params.ts";
import { getBatch, listBatches } from "./queries.ts";
import { getRowDetail, listRowHistory } from "./row-history.ts";
import { listRows, requireRow } from "./row-queries.ts";
import { RowEvent, viewRow, viewRowDetail, viewRowEvent } from "./row-views.ts";
import { batchVersion, NotReversed, RowStatus, viewBatch, viewListedBatch } from "./views.ts";

export function batchRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["batches"] }, (app, shared) => {
    app.get(
      "/api/v1/batches",
      {
        config: { mayLag: true },
        schema: {
          ...shared,
          operationId: "listBatches",
          summary: "List batches",
          description: "Your batches, newest first, without `header` and `mapping`.",
          querystring: Type.Object({ ...batchFilterFields, ...PageQuery }),
          response: { 200: SearchedPage(Type.Ref("ListedBatch")), ...problems(400, 401) },
        },
      },
      async ({ ctx, user, query }) => {
        const page = { before: decodeUuidCursor(query.cursor), limit: query.limit };
        const found = await listBatches(ctx, { ...readBatchFilter(query), userId: user.id }, page);
        return searchedPageOf(
          found,
          ({ id }) => id,
          (batch) => viewListedBatch(batch, ctx),
        );
      },
    );

    app.get(
      "/api/v1/batches/:batch_id",
      {
        schema: {
          ...shared,
          operationId: "getBatch",
          summary: "Get a batch",
          description:
            "Returns the state, the counts, the speed and the estimated time left. `ETag` identifies the stored version; " +
            "speed and time left do not affect it. Poll with `If-None-Match` to get 304 until something changes.",
          params: BatchParams,
          response: { 200: Type.Ref("Batch"), ...NOT_MODIFIED, ...problems(400, 401, 404) },
        },
      },
      async (request, reply) => {
        const { ctx } = request;
        await ctx.reserveMemory(DETAIL_BYTES);
        const view = viewBatch(await getBatch(ctx, request.user.id, request.params.batch_id), ctx);
        return sendVersion(request, reply, batchVersion(view), view);
      },
    );

    app.get(
      "/api/v1/batches/:batch_id/rows",
      {
        schema: {
          ...shared,
          operationId: "listBatchRows",
          summary: "List the rows of a batch",
          description:
            "Lists the rows in the order of the file. The groups of GET /errors have links to the rows of a cause. Such a page looks at " +
            "10,000 failed rows.",
          params: BatchParams,
          querystring: Type.Object({
            status: Type.Optional(RowStatus),
            undo: Type.Optional(NotReversed),
            ...causeFields,
            from_row: Type.Optional(
              Type.Integer({
                minimum: 1,
                maximum: MAX_ROW_NUMBER,
                description: "Only this row and later ones. Later pages ignore it.",
                examples: [47],
              }),
            ),
            ...PageQuery,
          }),
          response: { 200: SearchedPage(Type.Ref("Row")), ...problems(400, 401, 404) },
        },
      },
      async ({ ctx, user, params, query }) => {
        const { cursor, from_row: fromRow = 1, undo } = query;
        const after = cursor === undefined ? fromRow - 1 : decodeNumberCursor(cursor, MAX_ROW_NUMBER);
        if (query.status && undo)
          throw invalidField("undo", "cannot be combined with `status`. Send one of the two.");
        const cause = readCause(query);
        const status = query.status ?? (cause ? "failed" : null);
        if (cause && (undo || status !== "failed"))
          throw invalidField(
            "error_code",
            "Only failed rows have errors. Send `status=failed`, or no other condition.",
          );
        const batch = await getBatch(ctx, user.id, params.batch_id);
        const page = { status, undo, cause, after, limit: query.limit };
        const found = await listRows(ctx, batch, page);
        return searchedPageOf(
          found,
          ({ row }) => row,
          (row) => viewRow(batch, row),
        );
      },
    );

    app.get(
      "/api/v1/batches/:batch_id/rows/:row",
      {
        schema: {
          ...shared,
          operationId: "getBatchRow",
          summary: "Get a row",
          description: "Returns the cells, the status, the errors and the latest history of one row.",
          params: RowParams,
          response: { 200: Type.Ref("RowDetail"), ...problems(400, 401, 404) },
        },
      },
      async ({ ctx, user, params }) => {
        const batch = await getBatch(ctx, user.id, params.batch_id);
        return viewRowDetail(batch, await getRowDetail(ctx, batch, params.row));
      },
    );

    app.get(
      "/api/v1/batches/:batch_id/rows/:row/history",
      {
        schema: {
          ...shared,
          operationId: "listBatchRowHistory",
          summary: "List the history of a row",
          description: "Earlier failures and changes of the row, oldest first.",
          params: RowParams,
          querystring: Type.Object(PageQuery),
          response: { 200: Page(RowEvent), ...problems(400, 401, 404) },
        },
      },
      async ({ ctx, user, params, query }) => {
        const after = decodeNumberCursor(query.cursor);
        const batch = await getBatch(ctx, user.id, params.batch_id);
        await requireRow(ctx, batch, params.row);
        const found = await listRowHistory(ctx, batch, params.row, { after, limit: query.limit });
        return pageOf(
          found,
          ({ id }) => id,
          (event) => viewRowEvent(batch, event),
        );
      },
    );
  });
}
