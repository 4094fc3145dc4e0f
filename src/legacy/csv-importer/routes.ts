/** The endpoints of the FastAPI CSV importer, with its paths, bodies and statuses. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { and, eq } from "drizzle-orm";
import type { FastifyReply, FastifyRequest } from "fastify";
import Type from "typebox";
import { MAX_ROW_NUMBER } from "../../batches/ids.ts";
import { getBatch, type StoredBatch } from "../../batches/queries.ts";
import { listRows } from "../../batches/row-queries.ts";
import type { Context } from "../../context.ts";
import { notFound } from "../../errors.ts";
import { authenticate, SECURITY } from "../../platform/http/auth.ts";
import { DOWNLOAD_PAGE_BYTES, RELEASE } from "../../platform/http/bounded-answers.ts";
import { accessCookie } from "../../platform/http/cookies.ts";
import { problems } from "../../platform/http/errors.ts";
import { JSON_TYPE, jsonText } from "../../platform/http/json-text.ts";
import { decodeNumberCursor, PageQuery, pageOf } from "../../platform/http/paging.ts";
import { NumericId } from "../../platform/http/schemas.ts";
import { fileForm } from "../../platform/http/upload.ts";
import { listRecords } from "../../records/queries.ts";
import { RecordView } from "../../records/views.ts";
import { beginDownload } from "../../request-context.ts";
import type { Caller } from "../../schema/accounts.ts";
import { type BatchState, batches } from "../../schema/batches.ts";
import { receiveLegacyUpload } from "../shared/receive-upload.ts";
import { legacyConfig } from "../shared/settings.ts";
import { anonymousUser, findAnonymous } from "./anonymous.ts";

const TARGET = "records";

/** The service listed all rows at once. If there are more, `next` has the URL of the rest. */
const MAX_ROWS = 1000;

const JobStatus = Type.Enum(["PENDING", "PROCESSING", "SUCCESS", "FAILED"], {
  description: "The state of the import.",
});
type JobStatus = "PENDING" | "PROCESSING" | "SUCCESS" | "FAILED";

const STATUS: Record<BatchState, JobStatus> = {
  receiving: "PENDING",
  queued: "PENDING",
  paused: "PENDING",
  validated: "PENDING",
  processing: "PROCESSING",
  completed: "SUCCESS",
  completed_with_errors: "SUCCESS",
  failed: "FAILED",
  cancelled: "FAILED",
  undoing: "FAILED",
  undone: "FAILED",
  deleting: "FAILED",
};

const Accepted = Type.Object({
  job_id: Type.Integer({ description: "The id of the import.", examples: [1] }),
  status: JobStatus,
  message: Type.String({
    description: "A confirmation.",
    examples: ["Upload successful. Processing started in background."],
  }),
});

const Job = Type.Object({
  id: Type.Integer({ description: "The id of the import.", examples: [1] }),
  original_filename: Type.String({ description: "The name of the uploaded file.", examples: ["data.csv"] }),
  status: JobStatus,
  csv_data: Type.Array(RecordView.properties.data, {
    description: "Up to 1,000 rows. Empty unless `status` is SUCCESS.",
  }),
  next: Type.Optional(Type.String({ description: "The URL of the next rows. Absent: there are no more." })),
  error: Type.Optional(Type.String({ description: "Why the import failed." })),
});

export function csvImporterRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  const { config } = ctx;
  const { anonymousUploads } = legacyConfig(config);
  return async (app) => {
    app.addHook("onRequest", authenticateUnlessAnonymous(ctx, anonymousUploads));
    const shared = { tags: ["legacy"], security: anonymousUploads ? [...SECURITY, {}] : SECURITY };

    app.post(
      "/upload",
      {
        config: { documentedBody: fileForm("The CSV file.") },
        schema: {
          ...shared,
          operationId: "legacyUploadCsv",
          summary: "Upload a CSV of any kind",
          description: "Returns when the whole file is stored and queued. Every row becomes a record.",
          response: { 200: Accepted, ...problems(400, 401, 403, 409, 413, 415) },
        },
      },
      async (request, reply) => {
        const { ctx } = request;
        const owner = callerOf(request) ?? { id: await anonymousUser(ctx), role: "user" };
        const { number } = await receiveLegacyUpload(request, owner, TARGET);
        return reply.header("location", `/jobs/${number}`).send({
          job_id: number,
          status: "PENDING" as const,
          message: "Upload successful. Processing started in background.",
        });
      },
    );

    app.get(
      "/jobs/:job_id",
      {
        schema: {
          ...shared,
          operationId: "legacyGetJob",
          summary: "Get an import",
          description: "Returns the state of the import and, after it has succeeded, its rows.",
          params: Type.Object({ job_id: NumericId("The id of the import.") }),
          querystring: Type.Object({ cursor: PageQuery.cursor }),
          response: { 200: jsonText(Job), ...problems(400, 401, 404) },
        },
      },
      async (request, reply) => {
        const { ctx } = request;
        const { job_id } = request.params;
        const after = decodeNumberCursor(request.query.cursor, MAX_ROW_NUMBER);
        const userId = callerOf(request)?.id ?? (await findAnonymous(ctx));
        const batch = userId === null ? null : await findJob(ctx, userId, job_id);
        if (!batch) throw notFound("job");
        const download = await beginDownload(request, reply);
        return reply.type(JSON_TYPE).send(download.stream(jobJson(download.ctx, batch, after)));
      },
    );
  };
}

/** Invalid credentials are refused even if uploads without a login are allowed. */
function authenticateUnlessAnonymous({ config }: Context, anonymousUploads: boolean) {
  const requireLogin = authenticate(config);
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const hasToken = Boolean(request.headers.authorization ?? accessCookie(request, config));
    if (hasToken || !anonymousUploads) await requireLogin(request, reply);
  };
}

function callerOf(request: FastifyRequest): Caller | null {
  return request.user;
}

async function findJob(ctx: Context, userId: number, number: number): Promise<StoredBatch | null> {
  const isJob = and(eq(batches.number, number), eq(batches.userId, userId), eq(batches.target, TARGET));
  const [found] = await ctx.db.select({ id: batches.id }).from(batches).where(isJob);
  return found ? getBatch(ctx, userId, found.id) : null;
}

/** The rows are sent while they are read, so that they never fill the memory. */
async function* jobJson(ctx: Context, batch: StoredBatch, after: number): AsyncGenerator<string> {
  const { number: id, filename: original_filename } = batch;
  const isEmpty = batch.state === "completed_with_errors" && batch.succeeded === 0;
  const status = isEmpty ? "FAILED" : STATUS[batch.state];
  const error = status === "FAILED" ? await whyFailed(ctx, batch) : undefined;
  yield `${JSON.stringify({ id, original_filename, status }).slice(0, -1)},"csv_data":[`;
  const next = status === "SUCCESS" ? yield* rowsJson(ctx, batch, after) : null;
  const url = next === null ? undefined : `${ctx.config.publicUrl}/jobs/${id}?cursor=${next}`;
  const rest = JSON.stringify({ next: url, error }).slice(1);
  yield rest === "}" ? "]}" : `],${rest}`;
}

/** @returns the cursor of the next answer; null: these are the last rows */
async function* rowsJson(
  ctx: Context,
  { id: batchId, userId }: StoredBatch,
  start: number,
): AsyncGenerator<string, string | null> {
  let after = start;
  for (let left = MAX_ROWS; left > 0; ) {
    const page = { batchId, after, limit: left, maxBytes: DOWNLOAD_PAGE_BYTES };
    const { items, hasMore } = await listRecords(ctx, userId, page);
    const last = items.at(-1);
    if (last) yield (left === MAX_ROWS ? "" : ",") + items.map(({ data }) => data).join(",");
    left -= items.length;
    if (!last || left === 0) {
      const { next_cursor } = pageOf(
        { items, hasMore },
        ({ row }) => row,
        ({ row }) => row,
      );
      return next_cursor;
    }
    if (!hasMore) return null;
    after = last.row;
    items.length = 0;
    yield RELEASE;
  }
  return null;
}

async function whyFailed(ctx: Context, batch: StoredBatch): Promise<string> {
  if (batch.state !== "completed_with_errors") return batch.reason ?? `The import is ${batch.state}.`;
  const { items } = await listRows(ctx, batch, { status: "failed", after: 0, limit: 1 });
  const [first] = items;
  return `None of the ${batch.totalRows} rows could be stored. Row ${first?.row}: ${first?.errorMessage}`;
}
