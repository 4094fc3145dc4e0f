/** Builds the request of a task. */
import packageJson from "../../../../package.json" with { type: "json" };
import type { Context } from "../../../context.ts";
import type { ReadableFile } from "../../../files/readable-file.ts";
import { inLowerCase } from "../../../platform/http-client/check-request.ts";
import type { OutgoingRequest } from "../../../platform/http-client/send-request.ts";
import { sign, startSignature } from "../../../platform/http-client/sign.ts";
import type { Role } from "../../../schema/accounts.ts";
import { formsOf, readSecrets, resolveSecrets } from "../../../secrets/resolve-secrets.ts";
import type { History } from "./history.ts";
import { bodyOf, type HttpParams, headersOf } from "./params.ts";

interface Source {
  readonly taskId: string;
  readonly role: Role;
  readonly params: HttpParams;
  readonly file: ReadableFile | null;
  readonly history: History;
}

interface Built {
  readonly request: OutgoingRequest;
  /** The secrets in it, for `redact`. */
  readonly hidden: readonly string[];
}

/** @throws Permanent if a secret may not be sent; Retryable if it cannot be decrypted here */
export async function buildRequest(ctx: Context, source: Source, signal: AbortSignal): Promise<Built> {
  const { params, role, file } = source;
  const { url, method, sign_with } = params;
  const { texts: own, hidden } = await resolveSecrets(ctx, headersOf(params), { url, role });
  const inline = bodyOf(params);
  const isStreamed = inline === null && file !== null && method !== "GET";
  const mediaType = inline?.mediaType ?? (isStreamed ? file.mediaType : null);
  const message = messageOf(source, ctx.now());
  const key =
    sign_with === undefined ? null : (await readSecrets(ctx, [sign_with], { url, role })).get(sign_with);
  const signature =
    key && (await signatureOf(key, message, isStreamed ? file : (inline?.content ?? null), signal));
  const traceparent = ctx.tracing.traceparent();
  const headers = {
    "user-agent": `Rowmill/${packageJson.version}`,
    accept: "*/*",
    ...(mediaType === null ? {} : { "content-type": mediaType }),
    ...inLowerCase(own),
    ...identityOf(source, message),
    ...(signature ? { "webhook-signature": signature } : {}),
    ...(traceparent === null ? {} : { traceparent }),
  };
  const body = isStreamed
    ? { chunks: untilAborted(file, signal), bytes: file.bytes }
    : (inline?.content ?? null);
  return { request: { method, url, headers, body }, hidden: key ? [...hidden, ...formsOf(key)] : hidden };
}

interface Message {
  readonly id: string;
  readonly timestamp: number;
}

/** The id stays the same for all requests of a task, so that a receiver can tell a repetition. */
function messageOf({ taskId }: Source, now: Date): Message {
  return { id: `task_${taskId.replaceAll("-", "")}`, timestamp: Math.floor(now.getTime() / 1000) };
}

function identityOf({ taskId, history }: Source, { id, timestamp }: Message): Record<string, string> {
  const { attempts, series } = history;
  const previous = attempts.at(-2);
  return {
    "webhook-id": id,
    "webhook-timestamp": String(timestamp),
    "rowmill-task-id": taskId,
    "rowmill-attempt": String(attempts.at(-1)?.number ?? 1),
    "rowmill-scheduled-at": series.scheduled_at,
    ...(previous ? { "rowmill-previous-status": String(previous.status ?? "none") } : {}),
  };
}

/** A file is read once more for its signature, so that it is never in memory as a whole. */
async function signatureOf(
  key: string,
  message: Message,
  body: Buffer | ReadableFile | null,
  signal: AbortSignal,
): Promise<string> {
  if (body === null || Buffer.isBuffer(body)) return sign([key], { ...message, body: body ?? "" });
  const signature = startSignature(key, message);
  for await (const chunk of untilAborted(body, signal)) signature.update(chunk);
  return signature.end();
}

async function* untilAborted(file: ReadableFile, signal: AbortSignal): AsyncGenerator<Buffer> {
  for await (const chunk of file.chunks()) {
    signal.throwIfAborted();
    yield chunk;
  }
}
