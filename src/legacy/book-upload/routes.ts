/** The endpoints of the Django bulk book upload service, with its paths, bodies and statuses. It called a row a task. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type, { type Static } from "typebox";
import { logIn } from "../../accounts/log-in.ts";
import { Credentials, NewAccount } from "../../accounts/schemas.ts";
import { startSession } from "../../accounts/sessions/start-session.ts";
import { signUp } from "../../accounts/sign-up.ts";
import { MAX_ROW_NUMBER, rowIdOf } from "../../batches/ids.ts";
import { getBatch, type StoredBatch } from "../../batches/queries.ts";
import { getRow, listRows, type StoredRow } from "../../batches/row-queries.ts";
import { viewRow } from "../../batches/row-views.ts";
import { RowStatus, viewBatch } from "../../batches/views.ts";
import type { Context } from "../../context.ts";
import { notFound } from "../../errors.ts";
import { clientOf } from "../../platform/http/auth.ts";
import { problems } from "../../platform/http/errors.ts";
import { decodeNumberCursor, MAX_PAGE, PageQuery, pageOf } from "../../platform/http/paging.ts";
import { Moment, NullableMoment, nullable, Uuid } from "../../platform/http/schemas.ts";
import { fileForm } from "../../platform/http/upload.ts";
import { userRoutes } from "../../platform/http/user-routes.ts";
import { firstOf } from "../../platform/postgres/read-page.ts";
import type { Caller } from "../../schema/accounts.ts";
import { receiveLegacyUpload } from "../shared/receive-upload.ts";
import { sayTaken } from "../shared/registration.ts";
import { legacyConfig } from "../shared/settings.ts";
import { firstRowNumbers, parseRowId } from "./row-ids.ts";

/** The service listed all rows at once. If there are more, `next` has the URL of the rest. */
const MAX_TASK_IDS = 10_000;

const Session = Type.Object(
  {
    success: Type.Boolean({ description: "Always true.", examples: [true] }),
    access: Type.String({
      description: "The access token. Send it as `Authorization: Bearer`.",
      examples: ["eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.k5J2"],
    }),
    refresh: Type.String({ description: "The refresh token. It works once.", examples: ["yTq0p4n7r9s2"] }),
    user_id: Type.Integer({ description: "The id of the user.", examples: [1] }),
    username: Type.String({ description: "The name of the user.", examples: ["testuser"] }),
  },
  { description: "You are logged in." },
);

const Accepted = Type.Object({
  batch_id: { ...Uuid, description: "The id of the upload." },
  task_ids: Type.Array(Uuid, { description: "The ids of the first 10,000 rows, in the order of the file." }),
  total_rows: Type.Integer({ description: "The number of rows." }),
  next: Type.Optional(Type.String({ description: "The URL of the rows beyond the first 10,000." })),
});

const Task = Type.Object({
  task_id: { ...Uuid, description: "The id of the row." },
  status: RowStatus,
  title: Type.String({ description: "The title in the row.", examples: ["Frankenstein"] }),
  author: Type.String({ description: "The author in the row.", examples: ["Mary Shelley"] }),
  error_message: nullable(Type.String({ examples: ["title is required"] }), "Why the row failed."),
  created_at: Moment("When the upload started."),
  completed_at: NullableMoment("When the row got its result."),
});

const TaskDetail = Type.Object({
  ...Task.properties,
  batch_id: { ...Uuid, description: "The id of the upload." },
  description: Type.String({
    description: "The description in the row.",
    examples: ["A scientist makes a living being."],
  }),
  created_book_id: nullable(Type.Integer(), "The book that the row created."),
  celery_task_id: nullable(Uuid, "The job that processed the row."),
});

const BatchStatus = Type.Object({
  batch_id: { ...Uuid, description: "The id of the upload." },
  total: Type.Integer({ description: "All rows of the file.", examples: [320] }),
  pending: Type.Integer({ description: "Rows that wait for a worker.", examples: [120] }),
  processing: Type.Integer({ description: "Rows that a worker has.", examples: [100] }),
  success: Type.Integer({ description: "Rows that succeeded.", examples: [96] }),
  failed: Type.Integer({ description: "Rows that failed.", examples: [4] }),
  tasks: Type.Array(Task, { description: "Up to 1,000 rows, and fewer if they are long." }),
  next_cursor: Type.Optional(
    Type.String({
      description: "Send it as `cursor` to get the next rows. Absent: there are no more.",
      examples: ["MTAwMQ"],
    }),
  ),
});

export function bookUploadRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  const { passwordMinLength } = legacyConfig(ctx.config);
  return async (app) => {
    const shared = { tags: ["legacy"] };

    app.post(
      "/signup/",
      {
        schema: {
          ...shared,
          operationId: "legacySignUp",
          summary: "Create an account",
          description:
            "Also logs in. Short and common passwords are allowed unless PASSWORD_MIN_LENGTH is set.",
          body: NewAccount,
          response: { 201: Session, ...problems(400, 413, 415, 429) },
        },
      },
      async ({ ctx, body, ip: address }, reply) => {
        const { username, password, email } = body;
        const account = { username, password, email, passwordMinLength, address };
        const user = await signUp(ctx, account).catch(sayTaken);
        return reply.code(201).send(viewSession(user, await startSession(ctx, reply, user)));
      },
    );

    app.post(
      "/login/",
      {
        schema: {
          ...shared,
          operationId: "legacyLogIn",
          summary: "Log in",
          description: "Returns tokens and sets them as httpOnly cookies for browsers.",
          body: Credentials,
          response: { 200: Session, ...problems(400, 401, 403, 413, 415, 429) },
        },
      },
      async (request, reply) => {
        const { ctx, body } = request;
        const user = await logIn(ctx, { ...body, ...clientOf(request) });
        return viewSession(user, await startSession(ctx, reply, user));
      },
    );

    await app.register(protectedRoutes(ctx));
  };
}

function protectedRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  const { config } = ctx;
  return userRoutes(ctx, { tags: ["legacy"] }, (app, shared) => {
    app.post(
      "/bulk-upload/",
      {
        config: { documentedBody: fileForm("The CSV file.") },
        schema: {
          ...shared,
          operationId: "legacyUploadBooks",
          summary: "Upload a CSV of books",
          description: "Returns when the whole file is stored and queued. Every row becomes a book.",
          response: { 202: Accepted, ...problems(400, 401, 403, 409, 413, 415) },
        },
      },
      async (request, reply) => {
        const { ctx } = request;
        const batch = await receiveLegacyUpload(request, request.user, "books");
        const { id: batchId, totalRows } = batch;
        const rows = await firstRowNumbers(ctx, batchId, MAX_TASK_IDS + 1);
        const { items, next_cursor } = pageOf(
          firstOf(rows, MAX_TASK_IDS),
          (row) => row,
          (row) => rowIdOf(batchId, row),
        );
        return reply
          .code(202)
          .header("location", `/api/v1/batches/${batchId}`)
          .send({
            batch_id: batchId,
            task_ids: items,
            total_rows: totalRows,
            ...(next_cursor === null
              ? {}
              : {
                  next: `${config.publicUrl}/api/v1/batches/${batchId}/rows?limit=${MAX_PAGE}&cursor=${next_cursor}`,
                }),
          });
      },
    );

    app.get(
      "/task-status/",
      {
        config: { search: "never" },
        schema: {
          ...shared,
          operationId: "legacyGetTaskStatus",
          summary: "Get the status of a row",
          description: "Returns one row of an upload.",
          querystring: Type.Object({ task_id: { ...Uuid, description: "The id of the row." } }),
          response: { 200: TaskDetail, ...problems(400, 401, 404) },
        },
      },
      async ({ ctx, user, query }) => {
        const parsed = parseRowId(query.task_id);
        if (!parsed) throw notFound("task");
        const batch = await getBatch(ctx, user.id, parsed.batchId);
        const row = await getRow(ctx, batch, parsed.row);
        const { record_id, job_id } = viewRow(batch, row);
        return {
          ...viewTask(row, batch),
          batch_id: batch.id,
          description: cellOf(row, batch, "description"),
          created_book_id: record_id,
          celery_task_id: job_id,
        };
      },
    );

    app.get(
      "/batch-status/",
      {
        config: { search: "never" },
        schema: {
          ...shared,
          operationId: "legacyGetBatchStatus",
          summary: "Get the status of an upload",
          description: "Returns the counts and the rows of an upload.",
          querystring: Type.Object({
            batch_id: { ...Uuid, description: "The id of the upload." },
            cursor: PageQuery.cursor,
          }),
          response: { 200: BatchStatus, ...problems(400, 401, 404) },
        },
      },
      async ({ ctx, user, query }) => {
        const after = decodeNumberCursor(query.cursor, MAX_ROW_NUMBER);
        const batch = await getBatch(ctx, user.id, query.batch_id.toLowerCase());
        const found = await listRows(ctx, batch, { status: null, after, limit: MAX_PAGE, isNamed: false });
        const { items, next_cursor } = pageOf(
          found,
          ({ row }) => row,
          (row) => viewTask(row, batch),
        );
        return {
          batch_id: batch.id,
          ...viewBatch(batch, ctx).counts,
          tasks: items,
          ...(next_cursor === null ? {} : { next_cursor }),
        };
      },
    );
  });
}

function viewSession(
  user: Caller,
  { access, refresh }: { access: string; refresh: string },
): Static<typeof Session> {
  return { success: true, access, refresh, user_id: user.id, username: user.username };
}

function viewTask(row: StoredRow, batch: StoredBatch): Static<typeof Task> {
  return {
    task_id: rowIdOf(batch.id, row.row),
    status: row.status,
    title: cellOf(row, batch, "title"),
    author: cellOf(row, batch, "author"),
    error_message: row.errorMessage,
    created_at: batch.createdAt.toISOString(),
    completed_at: row.completedAt === null ? null : new Date(row.completedAt).toISOString(),
  };
}

/** Books have no secret cells. */
function cellOf({ fields }: StoredRow, { mapping }: StoredBatch, column: string): string {
  return fields[mapping[column] ?? -1] ?? "";
}
