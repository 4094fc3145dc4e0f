/** Operators list and change the batches of all users. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../context.ts";
import { DETAIL_BYTES } from "../platform/http/bounded-answers.ts";
import { ChangedView, Expect } from "../platform/http/bulk.ts";
import { problems } from "../platform/http/errors.ts";
import { decodeUuidCursor, PageQuery, SearchedPage, searchedPageOf } from "../platform/http/paging.ts";
import { userRoutes } from "../platform/http/user-routes.ts";
import { ADMIN_BATCH_ACTIONS, type AdminBatchAction } from "./allowed-actions.ts";
import { changeBatches } from "./control/change-batches.ts";
import { AdminBatchFilter, adminBatchFilterFields, readAdminBatchFilter } from "./filter.ts";
import { BatchParams } from "./params.ts";
import { getAnyBatch, listBatches } from "./queries.ts";
import { viewAdminBatch } from "./views.ts";

/** An HTTP request stops after this time, because connections without traffic are closed after two minutes. */
const REQUEST_SECONDS = 60;

const reasonFor = (done: string) =>
  Type.Optional(
    Type.String({
      maxLength: 1000,
      description: `Shown to the owner as the \`reason\` of the batch. Absent: "${done} by an operator."`,
      examples: ["The mail server is down."],
    }),
  );
const base = { filter: AdminBatchFilter, expect: Expect };

const BODIES = {
  pause: Type.Object({ ...base, reason: reasonFor("Paused") }),
  resume: Type.Object(base),
  cancel: Type.Object({ ...base, reason: reasonFor("Cancelled") }),
  retry: Type.Object({
    ...base,
    unprocessed: Type.Optional(Type.Boolean({ description: "Retry unprocessed rows as well." })),
  }),
  delete: Type.Object(base),
};

const EFFECTS: Readonly<Record<AdminBatchAction, string>> = {
  pause: "Pauses the queued and processing batches that match the filter.",
  resume: "Resumes the paused batches that match the filter.",
  cancel: "Cancels the batches that match the filter and have not ended. Committed rows keep their results.",
  retry:
    "Retries the failed rows of the batches that match the filter. Without `unprocessed`, batches with unprocessed rows do not match.",
  delete:
    "Deletes the batches that match the filter and have ended, with their rows, results and history. The records that they created stay.",
};

const titled = (action: AdminBatchAction) => `${action[0]?.toUpperCase()}${action.slice(1)}`;

export function adminBatchRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["admin"], roles: ["operator", "admin"] }, (app, shared) => {
    app.get(
      "/api/v1/admin/batches",
      {
        config: { mayLag: true },
        schema: {
          ...shared,
          operationId: "adminListBatches",
          summary: "List the batches of all users",
          description: "Newest first.",
          querystring: Type.Object({ ...adminBatchFilterFields, ...PageQuery }),
          response: { 200: SearchedPage(Type.Ref("AdminBatch")), ...problems(400, 401, 403) },
        },
      },
      async ({ ctx, query }) => {
        const page = { before: decodeUuidCursor(query.cursor), limit: query.limit };
        const found = await listBatches(ctx, readAdminBatchFilter(query), page);
        return searchedPageOf(
          found,
          ({ id }) => id,
          (batch) => viewAdminBatch(batch, ctx),
        );
      },
    );

    app.get(
      "/api/v1/admin/batches/:batch_id",
      {
        schema: {
          ...shared,
          operationId: "adminGetBatch",
          summary: "Get a batch of any user",
          description: "Returns the state and the counts. Only the owner can read the rows.",
          params: BatchParams,
          response: { 200: Type.Ref("AdminBatch"), ...problems(400, 401, 403, 404) },
        },
      },
      async ({ ctx, params }) => {
        await ctx.reserveMemory(DETAIL_BYTES);
        return viewAdminBatch(await getAnyBatch(ctx, params.batch_id), ctx);
      },
    );

    for (const action of ADMIN_BATCH_ACTIONS) {
      app.post(
        `/api/v1/admin/batches/${action}`,
        {
          schema: {
            ...shared,
            operationId: `admin${titled(action)}Batches`,
            summary: `${titled(action)} all matching batches`,
            description:
              `${EFFECTS[action]} Without \`expect\`, the request only counts them. If \`expect\` is not the number of matching ` +
              "batches, nothing changes (409). Batches created after the count are not affected. A request ends after about a minute; " +
              "if `changed` is then below `matched`, count again and repeat the request. The audit log records it.",
            body: BODIES[action],
            response: { 200: ChangedView, ...problems(400, 401, 403, 409, 413, 415) },
          },
        },
        async ({ ctx, body }) => {
          const { filter, ...rest } = body;
          return changeBatches(
            ctx,
            { ...rest, action, filter: readAdminBatchFilter(filter) },
            REQUEST_SECONDS,
          );
        },
      );
    }
  });
}
