/**
 * Sends a request to a service of the user. A request whose answer was not recorded, because its worker was lost, is sent
 * again with the same id.
 */
import { eq } from "drizzle-orm";
import Type from "typebox";
import { type Context, inTransaction } from "../../../context.ts";
import { Permanent, Retryable } from "../../../errors.ts";
import { MapOf, nullable } from "../../../platform/http/schemas.ts";
import { redact } from "../../../platform/http-client/redact.ts";
import { describeTrouble, isTimeout, sendRequest } from "../../../platform/http-client/send-request.ts";
import { type Role, users } from "../../../schema/accounts.ts";
import { namesIn } from "../../../secrets/names.ts";
import { requireUsableSecrets } from "../../../secrets/require-known-secrets.ts";
import { holdLane } from "../../lanes/wake-waiting.ts";
import type { TaskInput, TaskResult, TaskType } from "../task-type.ts";
import { type KeptAnswer, keepAnswer, READ_BYTES } from "./answer.ts";
import { AttemptView, beginAttempt, endAttempt, type History, Series } from "./history.ts";
import { backoffSeconds, type Trouble, troubleOf } from "./outcome.ts";
import { checkHttpParams, type HttpParams, headersOf, httpParams } from "./params.ts";
import { buildRequest } from "./request.ts";

/** Reading stops after this many bytes, so that a huge answer costs little. */
const MAX_ANSWER_BYTES = 2 ** 20;
const MAX_TIMEOUT_SECONDS = 600;

type Input = TaskInput<typeof httpParams, "optional">;

export const httpType: TaskType<typeof httpParams, "optional"> = {
  name: "http",
  description:
    "Sends a request to a service of yours, with retries, and keeps the answer. The body is `body`, `body_base64` or the file of the task.",
  role: ({ httpTasks }) => (httpTasks === "all" ? undefined : httpTasks === "admin" ? "admin" : "nobody"),
  queue: "http",
  params: httpParams,
  file: "optional",
  result: Type.Object({
    status: nullable(Type.Integer(), "The status of the answer. null: none came yet."),
    headers: MapOf(Type.String(), { description: "Some headers of the answer." }),
    body: Type.Unknown({ description: "The first 64 KiB of the body: JSON, text or base64." }),
    body_format: nullable(Type.Enum(["json", "text", "base64"]), "How `body` has the body."),
    is_truncated: Type.Boolean({ description: "Whether the body was longer." }),
    ms: nullable(Type.Integer(), "The time until the answer, in milliseconds."),
    attempts: Type.Array(AttemptView, { description: "The latest requests, up to 25." }),
    series: Series,
  }),
  // The upload and the signature of a file come on top of the request.
  limits: { timeoutSeconds: MAX_TIMEOUT_SECONDS + 300 },

  checkParams: checkHttpParams,

  async requireUsable(ctx, userId, tasks) {
    const used = tasks.flatMap(({ params, field }) => {
      const { url, sign_with } = params;
      const texts = Object.values(headersOf(params));
      return [
        { texts, names: namesIn(texts), field: `${field}.headers`, url },
        { texts: [], names: sign_with === undefined ? [] : [sign_with], field: `${field}.sign_with`, url },
      ];
    });
    await requireUsableSecrets(ctx, used, () => roleOfUser(ctx, userId));
  },

  paceOf: ({ url, rate, concurrency }) => ({
    host: URL.parse(url)?.host ?? "",
    perSecond: rate?.per_second ?? null,
    concurrent: concurrency,
  }),

  async run(ctx, input) {
    const { params, task, signal } = input;
    const role = await requireAccess(ctx, task.userId);
    const history = beginAttempt(task, ctx.now());
    const source = { taskId: task.id, role, params, file: input.file, history };
    return traced(ctx, params, async (fail) => {
      const { request, hidden } = await buildRequest(ctx, source, signal);
      // Before the request: after the loss of a worker, it shows that the service may have it.
      await save(ctx, input, history, null);
      const startedAt = performance.now();
      const timeoutMs = params.timeout_seconds * 1000;
      const limits = { timeoutMs, keepBytes: READ_BYTES, maxBytes: MAX_ANSWER_BYTES };
      let answer: KeptAnswer | null = null;
      let trouble: Trouble | null;
      try {
        const received = await sendRequest(ctx.config.egress, request, limits, signal);
        answer = keepAnswer(received, hidden);
        trouble = troubleOf(received, params, hidden, ctx.now());
      } catch (error) {
        if (signal.aborted || error instanceof Permanent) throw error;
        trouble = unreachable(error, redact(describeTrouble(error, timeoutMs), hidden));
      }
      const ms = Math.round(performance.now() - startedAt);
      if (trouble) fail(trouble.code);
      const ended = endAttempt(history, {
        status: answer?.status ?? null,
        ms,
        error: trouble?.message ?? null,
      });
      ctx.log.info(
        { taskId: task.id, host: hostOf(params), status: answer?.status, ms },
        "http request ended",
      );
      if (!trouble) return resultOf(ended, answer, ms);
      await save(ctx, input, ended, answer);
      throw await failureOf(ctx, input, ended, trouble);
    });
  },
};

const hostOf = ({ url }: HttpParams) => URL.parse(url)?.host ?? "";

/** The host only: the rest of a URL can be secret. */
function traced<T>(
  ctx: Context,
  params: HttpParams,
  work: (fail: (error: unknown) => void) => Promise<T>,
): Promise<T> {
  const attributes = { "http.request.method": params.method, "server.address": hostOf(params) };
  return ctx.tracing.span(params.method, { kind: "client", attributes }, work);
}

/** The setting and the role can have changed since the task was created. @throws Permanent `forbidden` */
async function requireAccess(ctx: Context, userId: number): Promise<Role> {
  const role = await roleOfUser(ctx, userId);
  const { httpTasks } = ctx.config;
  if (httpTasks === "all" || (httpTasks === "admin" && role === "admin")) return role;
  throw new Permanent(
    "forbidden",
    `The setting HTTP_TASKS is ${httpTasks}, so this user may not send requests.`,
  );
}

async function roleOfUser({ db }: Context, userId: number): Promise<Role> {
  const [user] = await db.select({ role: users.role }).from(users).where(eq(users.id, userId));
  return user?.role ?? "user";
}

function unreachable(error: unknown, message: string): Trouble {
  const isRefused = error instanceof Error && error.name === "DestinationRefused";
  const code = isRefused ? "http_refused" : isTimeout(error) ? "http_timeout" : "http_unreachable";
  return { code, message, isFinal: isRefused, retryAfterSeconds: null };
}

function resultOf(history: History, answer: KeptAnswer | null, ms: number | null): TaskResult {
  const { status = null, headers = {}, body = null, body_format = null, is_truncated = false } = answer ?? {};
  const message = answer ? `The host answered ${status} after ${ms} ms.` : "The request was sent.";
  return { message, status, headers, body, body_format, is_truncated, ms, ...history };
}

function save(
  ctx: Context,
  { checkpoint }: Input,
  history: History,
  answer: KeptAnswer | null,
): Promise<void> {
  const ms = history.attempts.at(-1)?.ms ?? null;
  return inTransaction(ctx, (tx) => checkpoint(tx, resultOf(history, answer, ms)));
}

/** Returns the error that ends the attempt, and keeps other tasks of the user away from a host that asked for that. */
async function failureOf(ctx: Context, { task, params }: Input, { series }: History, trouble: Trouble) {
  const { code, message, isFinal, retryAfterSeconds } = trouble;
  if (retryAfterSeconds !== null)
    await holdLane(ctx, { userId: task.userId, host: hostOf(params) }, retryAfterSeconds);
  if (isFinal) return new Permanent(code, message);
  const afterSeconds = Math.max(backoffSeconds(params, task.retryCount + 1), retryAfterSeconds ?? 0);
  const { max_duration_seconds: maxSeconds = Number.POSITIVE_INFINITY } = params;
  const sinceSeconds = (ctx.now().getTime() - Date.parse(series.since)) / 1000;
  if (sinceSeconds + afterSeconds > maxSeconds)
    return new Permanent(
      code,
      `${message} The next request would be later than max_duration_seconds (${maxSeconds}).`,
    );
  return new Retryable(code, message, { afterSeconds, isExact: true });
}
