import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { Context } from "../context.ts";
import { LiveFeed, streamSchema } from "../platform/http/live-feed.ts";
import { userRoutes } from "../platform/http/user-routes.ts";
import { BATCH_CHANNEL } from "./batch-changes.ts";
import { BatchParams } from "./params.ts";
import { getBatch, type StoredBatch } from "./queries.ts";
import { hasEnded } from "./state.ts";
import { batchVersion, viewListedBatch } from "./views.ts";

export function batchEventRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["batches"] }, (app, shared) => {
    const read = ({ id, userId }: StoredBatch) => getBatch(ctx, userId, id);
    const show = (batch: StoredBatch) => {
      const data = viewListedBatch(batch, ctx);
      return { version: batchVersion(data), data, hasEnded: hasEnded(batch.state) };
    };
    const feed = new LiveFeed({ event: "batch", channel: BATCH_CHANNEL, read, show }, ctx);
    // `preClose` runs before the server waits for its connections to end; `onClose` would run too late.
    app.addHook("preClose", async () => feed.close());

    app.get(
      "/api/v1/batches/:batch_id/events",
      {
        schema: {
          ...shared,
          operationId: "streamBatchEvents",
          summary: "Follow a batch",
          params: BatchParams,
          ...streamSchema({
            what: "batch",
            whenever: "its state or its counts change",
            example:
              '{"id":"01a20159-f320-7af5-a6be-a1fe00000000","state":"processing","counts":{"total":320,"pending":120,...},...}',
          }),
        },
      },
      async ({ ctx, user, params, headers }, reply) => {
        const batch = await getBatch(ctx, user.id, params.batch_id);
        return feed.answer(batch, headers["last-event-id"], reply);
      },
    );
  });
}
