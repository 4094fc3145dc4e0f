import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../../context.ts";
import { emptyBodyIsEmpty } from "../../platform/http/body.ts";
import { problems } from "../../platform/http/errors.ts";
import { userRoutes } from "../../platform/http/user-routes.ts";
import { MAX_ROW_NUMBER } from "../ids.ts";
import { BatchParams, RowParams } from "../params.ts";
import { getBatch, type StoredBatch } from "../queries.ts";
import { requireRow } from "../row-queries.ts";
import { viewBatch } from "../views.ts";
import { cancelBatch } from "./cancel-batch.ts";
import { commitBatch } from "./commit-batch.ts";
import { deleteBatch } from "./delete-batch.ts";
import { pauseBatch } from "./pause-batch.ts";
import { resumeBatch } from "./resume-batch.ts";
import { retryRows } from "./retry-rows.ts";
import { undoBatch } from "./undo-batch.ts";

interface Command {
  readonly summary: string;
  readonly description: string;
  readonly run: (ctx: Context, userId: number, batchId: string) => Promise<StoredBatch>;
}

/** All of them are idempotent. */
const COMMANDS: Readonly<Record<string, Command>> = {
  pause: {
    summary: "Pause a batch",
    description:
      "Workers give up the rows that they are processing within about a second, without a trace, and take no more.",
    run: pauseBatch,
  },
  resume: {
    summary: "Resume a paused batch",
    description: "Continues with the rows that have no result yet.",
    run: resumeBatch,
  },
  cancel: {
    summary: "Cancel a batch",
    description:
      "Workers give up the rows that they are processing within about a second. Committed rows keep their results; the " +
      "others become `unprocessed`.",
    run: cancelBatch,
  },
  commit: {
    summary: "Commit a dry run",
    description: "Processes the checked rows for real. You do not send the file again.",
    run: commitBatch,
  },
  undo: {
    summary: "Undo a batch",
    description:
      "Removes the records that the batch created and restores those that it updated. Records that were changed later " +
      "are kept, and each row says why. Returns at once; the batch is `undoing`, then `undone`.",
    run: undoBatch,
  },
};

const RetryBody = Type.Object(
  {
    rows: Type.Optional(
      Type.Array(Type.Integer({ minimum: 1, maximum: MAX_ROW_NUMBER }), {
        minItems: 1,
        maxItems: 10_000,
        uniqueItems: true,
        description: "Retry only these failed rows. Absent: all failed rows.",
        examples: [[3, 17]],
      }),
    ),
    unprocessed: Type.Boolean({
      default: false,
      description: "Retry the unprocessed rows as well.",
    }),
  },
  { additionalProperties: false, examples: [{ rows: [3, 17] }] },
);

export function batchControlRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["batches"] }, (app, shared) => {
    for (const [name, { summary, description, run }] of Object.entries(COMMANDS)) {
      app.post(
        `/api/v1/batches/:batch_id/${name}`,
        {
          schema: {
            ...shared,
            operationId: `${name}Batch`,
            summary,
            description: `${description} Repeating the request changes nothing; 409 if the state does not allow it.`,
            params: BatchParams,
            response: { 200: Type.Ref("Batch"), ...problems(400, 401, 403, 404, 409) },
          },
        },
        async ({ ctx, user, params }) => viewBatch(await run(ctx, user.id, params.batch_id), ctx),
      );
    }

    app.post(
      "/api/v1/batches/:batch_id/retry",
      {
        preValidation: emptyBodyIsEmpty,
        schema: {
          ...shared,
          operationId: "retryBatch",
          summary: "Retry failed rows",
          description:
            "Retries all failed rows or the given ones. The earlier errors stay in the history of each row. If the batch " +
            "was cancelled or stopped, send `unprocessed: true` to process the remaining rows as well.",
          params: BatchParams,
          body: RetryBody,
          response: { 202: Type.Ref("Batch"), ...problems(400, 401, 403, 404, 409, 413, 415) },
        },
      },
      async ({ ctx, user, params, body }, reply) => {
        const batch = await retryRows(ctx, user.id, params.batch_id, body);
        return reply.code(202).send(viewBatch(batch, ctx));
      },
    );

    app.post(
      "/api/v1/batches/:batch_id/rows/:row/retry",
      {
        schema: {
          ...shared,
          operationId: "retryBatchRow",
          summary: "Retry a failed row",
          description: "The earlier error stays in the history of the row.",
          params: RowParams,
          response: { 202: Type.Ref("Batch"), ...problems(400, 401, 403, 404, 409) },
        },
      },
      async ({ ctx, user, params }, reply) => {
        await requireRow(ctx, await getBatch(ctx, user.id, params.batch_id), params.row);
        const batch = await retryRows(ctx, user.id, params.batch_id, { rows: [params.row] });
        return reply.code(202).send(viewBatch(batch, ctx));
      },
    );

    app.delete(
      "/api/v1/batches/:batch_id",
      {
        schema: {
          ...shared,
          operationId: "deleteBatch",
          summary: "Delete a batch",
          description:
            "Deletes a batch that has ended, with its rows, results and history. The records that it created stay.",
          params: BatchParams,
          response: { 204: Type.Null({ description: "Deleted." }), ...problems(400, 401, 403, 404, 409) },
        },
      },
      async ({ ctx, user, params }, reply) => {
        await deleteBatch(ctx, user.id, params.batch_id);
        return reply.code(204).send(null);
      },
    );
  });
}
