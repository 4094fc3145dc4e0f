/** Reads the answers of endpoints: the status first, then the results of rows. */
import { redact } from "../../platform/http-client/redact.ts";
import { readRetryAfter } from "../../platform/http-client/retry-after.ts";
import type { ReceivedAnswer } from "../../platform/http-client/send-request.ts";
import { plural } from "../../platform/plural.ts";
import { MAX_ANSWER_BYTES, type Reply } from "./post-request.ts";

/** The meaning of an answer for all rows of a request. */
export type Meaning =
  | {
      readonly kind: "results";
      readonly results: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
      readonly unknownIds: number;
      readonly hidden: readonly string[];
    }
  /** An answer without a body that means success. */
  | { readonly kind: "allDone" }
  /** The request as a whole is refused. Fewer rows at a time may be accepted. */
  | { readonly kind: "refused"; readonly message: string }
  | {
      readonly kind: "retry";
      readonly code: "unreachable" | "invalid_answer";
      readonly message: string;
      readonly afterSeconds?: number;
      readonly isDown: boolean;
    }
  | { readonly kind: "stop"; readonly reason: string };

/** The characters of an answer that an error of a row shows. */
const MAX_QUOTE = 300;

const CONFIGURATION: Readonly<Record<number, string>> = {
  401: "it does not accept the credentials",
  403: "it does not allow the request",
  404: "it does not know the URL",
  410: "the URL is gone",
};

/**
 * Decides what an answer means for the rows of the request.
 * @param ids the ids of the rows that were sent
 * @param trustEmpty whether an answer without a body means that all rows were written
 */
export function readAnswer(reply: Reply, ids: ReadonlySet<string>, trustEmpty: boolean, now: Date): Meaning {
  if (reply.kind === "stop") return reply;
  if (reply.kind === "unreachable")
    return { kind: "retry", code: "unreachable", message: reply.message, isDown: true };
  const { answer, hidden } = reply;
  const { status } = answer;
  if (status === 422) return readResults(answer, ids, hidden) ?? refused(answer, hidden);
  if (status === 400 || status === 413) return refused(answer, hidden);
  if (status >= 200 && status < 300) {
    const isEmpty = answer.body.length === 0;
    if (isEmpty && trustEmpty && (status === 200 || status === 204)) return { kind: "allDone" };
    return readResults(answer, ids, hidden) ?? invalidAnswer(answer);
  }
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    const afterSeconds = readRetryAfter(answer.headers["retry-after"], now);
    return {
      kind: "retry",
      code: "unreachable",
      message: `The endpoint answered ${status}.`,
      ...(afterSeconds === null ? {} : { afterSeconds }),
      // A busy endpoint is not down.
      isDown: status !== 429,
    };
  }
  if (status >= 300 && status < 400) {
    const reason = `The endpoint answered ${status}, a redirect. Rowmill follows none: an administrator must set the URL that it leads to.`;
    return { kind: "stop", reason };
  }
  const meaning = CONFIGURATION[status] ?? "the contract of endpoints does not have this status";
  const reason = `The endpoint answered ${status}: ${meaning}. An administrator must correct the target or the endpoint; then resume the batch.`;
  return { kind: "stop", reason };
}

function refused({ status, body }: ReceivedAnswer, hidden: readonly string[]): Meaning {
  const quote = redact(body.toString("utf8"), hidden).trim().slice(0, MAX_QUOTE).toWellFormed();
  const message = `The endpoint answered ${status}${quote === "" ? "." : `: ${quote}`}`;
  return { kind: "refused", message };
}

function invalidAnswer({ status, body }: ReceivedAnswer): Meaning {
  const what =
    body.length > MAX_ANSWER_BYTES
      ? `with more than ${plural(MAX_ANSWER_BYTES, "byte")}`
      : body.length === 0
        ? "without a body. It must send the results of the rows, or the target needs `trust_empty`"
        : "but not with JSON that has a list of `results`";
  return {
    kind: "retry",
    code: "invalid_answer",
    message: `The endpoint answered ${status}, ${what}.`,
    isDown: true,
  };
}

/** null: the answer has no list of results. */
function readResults(
  { body }: ReceivedAnswer,
  ids: ReadonlySet<string>,
  hidden: readonly string[],
): Meaning | null {
  const list = body.length > MAX_ANSWER_BYTES ? null : listIn(body);
  if (!list) return null;
  const results = new Map<string, Readonly<Record<string, unknown>>>();
  let unknownIds = 0;
  for (const result of list) {
    if (!isObject(result)) continue;
    const { id } = result;
    if (typeof id !== "string" || !ids.has(id)) unknownIds++;
    // Of two results for a row, the first counts.
    else if (!results.has(id)) results.set(id, result);
  }
  return { kind: "results", results, unknownIds, hidden };
}

function listIn(body: Buffer): unknown[] | null {
  try {
    const parsed: unknown = JSON.parse(body.toString("utf8"));
    return isObject(parsed) && Array.isArray(parsed.results) ? parsed.results : null;
  } catch {
    return null;
  }
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
