import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import { MAX_ROW_NUMBER } from "../batches/ids.ts";
import type { Context } from "../context.ts";
import { problems } from "../platform/http/errors.ts";
import { JSON_TYPE, jsonText } from "../platform/http/json-text.ts";
import { decodeNumberCursor, Page, PageQuery, pageOf } from "../platform/http/paging.ts";
import { NumericId, Uuid } from "../platform/http/schemas.ts";
import { userRoutes } from "../platform/http/user-routes.ts";
import { getRecord, listRecords, recordKey } from "./queries.ts";
import { recordJson } from "./views.ts";

const RecordParams = Type.Object({ id: NumericId("The id of the record.") });

export function recordRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["records"] }, (app, shared) => {
    app.get(
      "/api/v1/records",
      {
        config: { mayLag: true },
        schema: {
          ...shared,
          operationId: "listRecords",
          summary: "List records",
          description:
            "Your records in the order of creation; the records of one batch in the order of the file.",
          querystring: Type.Object({
            batch_id: Type.Optional({ ...Uuid, description: "Only the records of this batch." }),
            ...PageQuery,
          }),
          response: { 200: jsonText(Page(Type.Ref("SavedRecord"))), ...problems(400, 401) },
        },
      },
      async ({ ctx, user, query }, reply) => {
        const after = decodeNumberCursor(
          query.cursor,
          query.batch_id === undefined ? Number.MAX_SAFE_INTEGER : MAX_ROW_NUMBER,
        );
        const page = { batchId: query.batch_id, after, limit: query.limit };
        const found = await listRecords(ctx, user.id, page);
        const { items, next_cursor } = pageOf(
          found,
          (record) => record[recordKey(query.batch_id)],
          recordJson,
        );
        const end = `],"next_cursor":${JSON.stringify(next_cursor)}}`;
        return reply.type(JSON_TYPE).send(`{"items":[${items.join(",")}${end}`);
      },
    );

    app.get(
      "/api/v1/records/:id",
      {
        schema: {
          ...shared,
          operationId: "getRecord",
          summary: "Get a record",
          description: "Returns the cells of the row that became the record.",
          params: RecordParams,
          response: { 200: jsonText(Type.Ref("SavedRecord")), ...problems(400, 401, 404) },
        },
      },
      async ({ ctx, user, params }, reply) =>
        reply.type(JSON_TYPE).send(recordJson(await getRecord(ctx, user.id, params.id))),
    );
  });
}
