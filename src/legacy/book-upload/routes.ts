/** The endpoints of the Django bulk book upload service: its paths, bodies and codes over the same verbs as /api/v1. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type, { type Static } from "typebox";
import { logIn } from "../../accounts/log-in.ts";
import { loginThrottle } from "../../accounts/login-throttle.ts";
import { Credentials, NewAccount } from "../../accounts/schemas.ts";
import { signUp } from "../../accounts/sign-up.ts";
import { startSession } from "../../accounts/start-session.ts";
import { MAX_ROW_NUMBER, rowIdOf } from "../../batches/ids.ts";
import { getBatch } from "../../batches/queries.ts";
import { getRow, listRows } from "../../batches/row-queries.ts";
import { type RowView, viewRow } from "../../batches/row-views.ts";
import { RowStatus, viewBatch } from "../../batches/views.ts";
import type { Context } from "../../context.ts";
import { notFound } from "../../errors.ts";
import { authenticate, SECURITY } from "../../platform/http/auth.ts";
import { problems } from "../../platform/http/errors.ts";
import { decodeNumberCursor, MAX_PAGE, PageQuery, pageOf } from "../../platform/http/paging.ts";
import { Uuid } from "../../platform/http/schemas.ts";
import type { Caller } from "../../schema/accounts.ts";
import { receiveLegacyUpload } from "../shared/receive-upload.ts";
import { legacyConfig } from "../shared/settings.ts";
import { firstRowNumbers, parseRowId } from "./row-ids.ts";

/** The service listed everything at once. Beyond these an answer says where the rest is. */
const MAX_TASK_IDS = 10_000;

const NullableText = Type.Union([Type.String(), Type.Null()]);

const Session = Type.Object({
  success: Type.Boolean(),
  access: Type.String(),
  refresh: Type.String(),
  user_id: Type.Integer({ examples: [1] }),
  username: Type.String({ examples: ["testuser"] }),
});

const Accepted = Type.Object({
  batch_id: Uuid,
  task_ids: Type.Array(Uuid, { description: "In row order; the first 10,000 where there are more." }),
  total_rows: Type.Integer(),
  next: Type.Optional(Type.String({ description: "Where the rest is, beyond 10,000 rows." })),
});

const Task = Type.Object({
  task_id: Uuid,
  status: RowStatus,
  title: Type.String(),
  author: Type.String(),
  error_message: NullableText,
  created_at: Type.String({ format: "date-time" }),
  completed_at: Type.Union([Type.String({ format: "date-time" }), Type.Null()]),
});

const TaskDetail = Type.Object({
  ...Task.properties,
  batch_id: Uuid,
  description: Type.String(),
  created_book_id: Type.Union([Type.Integer(), Type.Null()]),
  celery_task_id: Type.Union([Uuid, Type.Null()], { description: "The queue's job." }),
});

const BatchStatus = Type.Object({
  batch_id: Uuid,
  total: Type.Integer(),
  pending: Type.Integer(),
  processing: Type.Integer(),
  success: Type.Integer(),
  failed: Type.Integer(),
  tasks: Type.Array(Task, { description: "All of them up to 1,000 rows; a page of 1,000 beyond." }),
  next_cursor: Type.Optional(Type.String({ description: "Send as `cursor` for the next page of tasks." })),
});

export function bookUploadRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  const { passwordMinLength } = legacyConfig(ctx.config);
  const throttle = loginThrottle(ctx);
  return async (app) => {
    const shared = { tags: ["legacy"] };

    app.post(
      "/signup/",
      {
        schema: {
          ...shared,
          summary: "Make an account",
          body: NewAccount,
          response: { 201: Session, ...problems(400, 409, 413, 415) },
        },
      },
      async ({ ctx, body }, reply) => {
        const { username, password, email } = body;
        const user = await signUp(ctx, { username, password, email, passwordMinLength });
        return reply.code(201).send(viewSession(user, await startSession(ctx, reply, user)));
      },
    );

    app.post(
      "/login/",
      {
        schema: {
          ...shared,
          summary: "Log in",
          body: Credentials,
          response: { 200: Session, ...problems(400, 401, 413, 415, 429) },
        },
      },
      async ({ ctx, body, ip }, reply) => {
        const user = await logIn(ctx, throttle, { ...body, address: ip });
        return viewSession(user, await startSession(ctx, reply, user));
      },
    );

    await app.register(protectedRoutes(ctx));
  };
}

function protectedRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  const { config } = ctx;
  return async (app) => {
    app.addHook("onRequest", authenticate(config));
    const shared = { tags: ["legacy"], security: SECURITY };

    app.post(
      "/bulk-upload/",
      {
        schema: {
          ...shared,
          summary: "Upload a CSV of books",
          consumes: ["multipart/form-data"],
          response: { 202: Accepted, ...problems(400, 401, 403, 409, 413, 415) },
        },
      },
      async (request, reply) => {
        const { ctx } = request;
        const batch = await receiveLegacyUpload(request, reply, request.user, "books");
        const { id: batchId, totalRows } = batch;
        const rows = await firstRowNumbers(ctx, batchId, MAX_TASK_IDS + 1);
        const { items, next_cursor } = pageOf(
          rows,
          MAX_TASK_IDS,
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
        schema: {
          ...shared,
          summary: "One row of an upload",
          querystring: Type.Object({ task_id: Uuid }),
          response: { 200: TaskDetail, ...problems(400, 401, 404) },
        },
      },
      async ({ ctx, user, query }) => {
        const parsed = parseRowId(query.task_id);
        if (!parsed) throw notFound("task");
        const batch = await getBatch(ctx, user.id, parsed.batchId);
        const row = viewRow(batch, await getRow(ctx, batch, parsed.row));
        return {
          ...viewTask(row, batch),
          batch_id: batch.id,
          description: cellOf(row, batch, "description"),
          created_book_id: row.record_id,
          celery_task_id: row.job_id,
        };
      },
    );

    app.get(
      "/batch-status/",
      {
        schema: {
          ...shared,
          summary: "An upload, counted and row by row",
          querystring: Type.Object({ batch_id: Uuid, cursor: PageQuery.cursor }),
          response: { 200: BatchStatus, ...problems(400, 401, 404) },
        },
      },
      async ({ ctx, user, query }) => {
        const after = decodeNumberCursor(query.cursor, MAX_ROW_NUMBER);
        const batch = await getBatch(ctx, user.id, query.batch_id.toLowerCase());
        const found = await listRows(ctx, batch, { status: null, after, limit: MAX_PAGE + 1 });
        const { items, next_cursor } = pageOf(
          found,
          MAX_PAGE,
          ({ row }) => row,
          (row) => viewTask(viewRow(batch, row), batch),
        );
        return {
          batch_id: batch.id,
          ...viewBatch(batch, ctx.now()).counts,
          tasks: items,
          ...(next_cursor === null ? {} : { next_cursor }),
        };
      },
    );
  };
}

function viewSession(
  user: Caller,
  { access, refresh }: { access: string; refresh: string },
): Static<typeof Session> {
  return { success: true, access, refresh, user_id: user.id, username: user.username };
}

type HasMapping = Pick<Awaited<ReturnType<typeof getBatch>>, "mapping" | "header">;

function viewTask(row: RowView, batch: HasMapping): Static<typeof Task> {
  return {
    task_id: row.task_id,
    status: row.status,
    title: cellOf(row, batch, "title"),
    author: cellOf(row, batch, "author"),
    error_message: row.error_message,
    created_at: row.created_at,
    completed_at: row.completed_at,
  };
}

function cellOf(row: RowView, { mapping, header }: HasMapping, column: string): string {
  const name = header[mapping[column] ?? -1];
  return name === undefined ? "" : (row.fields[name] ?? "");
}
