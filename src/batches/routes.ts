import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../context.ts";
import { invalidField } from "../errors.ts";
import { authenticate, SECURITY } from "../platform/http/auth.ts";
import { problems } from "../platform/http/errors.ts";
import { NOT_MODIFIED, sendVersion } from "../platform/http/etag.ts";
import { decodeNumberCursor, decodeUuidCursor, Page, PageQuery, pageOf } from "../platform/http/paging.ts";
import { Uuid } from "../platform/http/schemas.ts";
import { MAX_ROW_NUMBER } from "./ids.ts";
import { getBatch, listBatches } from "./queries.ts";
import { getRowDetail, listRows } from "./row-queries.ts";
import { viewRow, viewRowDetail } from "./row-views.ts";
import { batchVersion, NotReversed, RowStatus, viewBatch } from "./views.ts";

export const BatchParams = Type.Object({ batch_id: Uuid });
export const RowParams = Type.Object({
  batch_id: Uuid,
  row: Type.Integer({ minimum: 1, maximum: MAX_ROW_NUMBER }),
});

export function batchRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.addHook("onRequest", authenticate(ctx.config));
    const shared = { tags: ["batches"], security: SECURITY };

    app.get(
      "/api/v1/batches",
      {
        schema: {
          ...shared,
          summary: "My batches, newest first",
          querystring: Type.Object(PageQuery),
          response: { 200: Page(Type.Ref("Batch")), ...problems(400, 401) },
        },
      },
      async ({ ctx, user, query }) => {
        const before = decodeUuidCursor(query.cursor);
        const found = await listBatches(ctx, user.id, before, query.limit + 1);
        const now = ctx.now();
        return pageOf(
          found,
          query.limit,
          ({ id }) => id,
          (batch) => viewBatch(batch, now),
        );
      },
    );

    app.get(
      "/api/v1/batches/:batch_id",
      {
        schema: {
          ...shared,
          summary: "A batch: state, counts, rate, time left",
          description:
            "`ETag` is the version of what is stored; rate and time left change with the clock and have no part in it. Who " +
            "polls with `If-None-Match` gets 304 until something changes.",
          params: BatchParams,
          response: { 200: Type.Ref("Batch"), ...NOT_MODIFIED, ...problems(400, 401, 404) },
        },
      },
      async (request, reply) => {
        const { ctx } = request;
        const view = viewBatch(await getBatch(ctx, request.user.id, request.params.batch_id), ctx.now());
        return sendVersion(request, reply, batchVersion(view), view);
      },
    );

    app.get(
      "/api/v1/batches/:batch_id/rows",
      {
        schema: {
          ...shared,
          summary: "The rows of a batch, in source order",
          params: BatchParams,
          querystring: Type.Object({
            status: Type.Optional(RowStatus),
            undo: Type.Optional(NotReversed),
            ...PageQuery,
          }),
          response: { 200: Page(Type.Ref("Row")), ...problems(400, 401, 404) },
        },
      },
      async ({ ctx, user, params, query }) => {
        const after = decodeNumberCursor(query.cursor, MAX_ROW_NUMBER);
        if (query.status && query.undo) throw invalidField("undo", "can't be combined with status.");
        const batch = await getBatch(ctx, user.id, params.batch_id);
        const page = { status: query.status ?? null, undo: query.undo, after, limit: query.limit + 1 };
        const found = await listRows(ctx, batch, page);
        return pageOf(
          found,
          query.limit,
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
          summary: "One row: its cells, its status and what is wrong with it",
          params: RowParams,
          response: { 200: Type.Ref("RowDetail"), ...problems(400, 401, 404) },
        },
      },
      async ({ ctx, user, params }) => {
        const batch = await getBatch(ctx, user.id, params.batch_id);
        return viewRowDetail(batch, await getRowDetail(ctx, batch, params.row));
      },
    );
  };
}
