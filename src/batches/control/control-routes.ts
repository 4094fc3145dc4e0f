/** What an owner may do to a batch: hold it, end it, take it up again, take it back. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../../context.ts";
import { authenticate, SECURITY } from "../../platform/http/auth.ts";
import { emptyBodyIsEmpty } from "../../platform/http/body.ts";
import { problems } from "../../platform/http/errors.ts";
import { MAX_ROW_NUMBER } from "../ids.ts";
import { getBatch, type StoredBatch } from "../queries.ts";
import { BatchParams, RowParams } from "../routes.ts";
import { getRow } from "../row-queries.ts";
import { viewRowDetail } from "../row-views.ts";
import { viewBatch } from "../views.ts";
import { cancelBatch } from "./cancel-batch.ts";
import { commitBatch } from "./commit-batch.ts";
import { deleteBatch } from "./delete-batch.ts";
import { editRow } from "./edit-row.ts";
import { pauseBatch } from "./pause-batch.ts";
import { resumeBatch } from "./resume-batch.ts";
import { retryRows } from "./retry-rows.ts";
import { undoBatch } from "./undo-batch.ts";

interface Command {
  readonly summary: string;
  readonly description: string;
  readonly run: (ctx: Context, userId: number, batchId: string) => Promise<StoredBatch>;
}

/** Each may be sent again: where the batch is there already, nothing changes. */
const COMMANDS: Readonly<Record<string, Command>> = {
  pause: {
    summary: "Hold a batch",
    description: "Rows in hand are given up within about a second and keep no trace; no more are taken.",
    run: pauseBatch,
  },
  resume: {
    summary: "Let a paused batch go on",
    description: "It goes on with the rows that have no result yet.",
    run: resumeBatch,
  },
  cancel: {
    summary: "End a batch where it is",
    description:
      "Rows in hand are given up within about a second. What was committed stays, what was not is `unprocessed`.",
    run: cancelBatch,
  },
  commit: {
    summary: "Process what a dry run has checked",
    description: "By the same code, without the file being sent again.",
    run: commitBatch,
  },
  undo: {
    summary: "Put the records of a batch back as they were",
    description:
      "Records that it created are removed, updated ones restored; those that were changed since are kept, and each " +
      "row tells why. Answers at once; the batch is `undoing`, then `undone`.",
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
        description: "Only these of the rows that failed; absent: all of them.",
        examples: [[3, 17]],
      }),
    ),
    unprocessed: Type.Boolean({
      default: false,
      description: "Also go on with the rows that were left when the batch ended.",
    }),
  },
  { additionalProperties: false },
);

const EditBody = Type.Object(
  {
    fields: Type.Record(Type.String(), Type.String(), {
      minProperties: 1,
      description: "New cells by the file's columns; the others stay.",
      examples: [{ title: "Persuasion" }],
    }),
  },
  { additionalProperties: false },
);

export function controlRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.addHook("onRequest", authenticate(ctx.config));
    const shared = { tags: ["batches"], security: SECURITY };

    for (const [name, { summary, description, run }] of Object.entries(COMMANDS)) {
      app.post(
        `/api/v1/batches/:batch_id/${name}`,
        {
          schema: {
            ...shared,
            summary,
            description: `${description} Safe to send again; a state that does not allow it is 409.`,
            params: BatchParams,
            response: { 200: Type.Ref("Batch"), ...problems(400, 401, 403, 404, 409) },
          },
        },
        async ({ ctx, user, params }) => viewBatch(await run(ctx, user.id, params.batch_id), ctx.now()),
      );
    }

    app.post(
      "/api/v1/batches/:batch_id/retry",
      {
        preValidation: emptyBodyIsEmpty,
        schema: {
          ...shared,
          summary: "Try rows again that failed",
          description:
            "All of them, or those named. What they failed of stays in their history. A batch that was cancelled or " +
            "stopped also goes on with the rows that were left: `unprocessed` has to say so.",
          params: BatchParams,
          body: RetryBody,
          response: { 202: Type.Ref("Batch"), ...problems(400, 401, 403, 404, 409, 413, 415) },
        },
      },
      async ({ ctx, user, params, body }, reply) => {
        const batch = await retryRows(ctx, user.id, params.batch_id, body);
        return reply.code(202).send(viewBatch(batch, ctx.now()));
      },
    );

    app.post(
      "/api/v1/batches/:batch_id/rows/:row/retry",
      {
        schema: {
          ...shared,
          summary: "Try one row again that failed",
          params: RowParams,
          response: { 202: Type.Ref("Batch"), ...problems(400, 401, 403, 404, 409) },
        },
      },
      async ({ ctx, user, params }, reply) => {
        await getRow(ctx, await getBatch(ctx, user.id, params.batch_id), params.row);
        const batch = await retryRows(ctx, user.id, params.batch_id, { rows: [params.row] });
        return reply.code(202).send(viewBatch(batch, ctx.now()));
      },
    );

    app.patch(
      "/api/v1/batches/:batch_id/rows/:row",
      {
        // A whole row, as an upload takes it.
        bodyLimit: 4 * ctx.config.cellMaxBytes + 65_536,
        schema: {
          ...shared,
          summary: "Correct cells of a row that failed or was left",
          description: "The old cells stay in the row's history, with who changed them. Then retry the row.",
          params: RowParams,
          body: EditBody,
          response: { 200: Type.Ref("RowDetail"), ...problems(400, 401, 403, 404, 409, 413, 415) },
        },
      },
      async ({ ctx, user, params, body }) => {
        const { batch, row } = await editRow(ctx, user.id, params.batch_id, params.row, body.fields);
        return viewRowDetail(batch, row);
      },
    );

    app.delete(
      "/api/v1/batches/:batch_id",
      {
        schema: {
          ...shared,
          summary: "Delete a batch that has ended",
          description: "With its rows, results and history. The records that it made stay.",
          params: BatchParams,
          response: { 204: Type.Null({ description: "Deleted." }), ...problems(400, 401, 403, 404, 409) },
        },
      },
      async ({ ctx, user, params }, reply) => {
        await deleteBatch(ctx, user.id, params.batch_id);
        return reply.code(204).send(null);
      },
    );
  };
}
