/** Reads the result of one row in the answer of an endpoint. Whatever it says is bounded, and has no secrets. */
import { redact } from "../../platform/http-client/redact.ts";
import type { RowError } from "../../schema/batches.ts";
import { failed, retry } from "../outcomes.ts";
import type { Outcome, UndoOutcome } from "../target.ts";
import { isObject } from "./read-answer.ts";

type Result = Readonly<Record<string, unknown>> | undefined;

const MAX_ERRORS = 20;
const MAX_NAME = 100;
const MAX_MESSAGE = 1000;
/** Longer ids of records are not kept, because they would not identify a record if they were cut. */
const MAX_RECORD_ID = 200;
const MAX_RETRY_AFTER_SECONDS = 3600;

const EFFECTS = ["created", "updated", "unchanged"] as const;

/** Turns the result of one row into its outcome. */
export function readRowResult(result: Result, hidden: readonly string[]): Outcome {
  if (!result) return retry("no_result", "The answer of the endpoint has no result for the row.");
  const effect = EFFECTS.find((name) => name === result.status);
  if (effect) {
    const recordKey = recordKeyOf(result.record_id, hidden);
    return { kind: "success", recordId: null, effect, ...(recordKey === null ? {} : { recordKey }) };
  }
  const errors = errorsIn(result.errors, hidden);
  if (result.status === "failed") {
    return errors.length > 0
      ? { kind: "failed", errors }
      : failed("rejected", "The endpoint refused the row without a reason.");
  }
  if (result.status === "retry") {
    const { code = "retry", message = "The endpoint asks to send the row again." } = errors[0] ?? {};
    return retry(code, message, secondsOf(result.retry_after));
  }
  return retry("invalid_answer", unknownStatus(result.status, hidden));
}

/** undefined: the row must be sent again. */
export function readUndoResult(result: Result, hidden: readonly string[]): UndoOutcome | undefined {
  if (result?.status === "undone") return { kind: "reversed" };
  if (result?.status !== "kept" && result?.status !== "failed") return undefined;
  const messages = errorsIn(result.errors, hidden).map(({ message }) => message);
  const reason = messages.join("; ").slice(0, MAX_MESSAGE).toWellFormed();
  return { kind: result.status, reason: reason || "The endpoint gave no reason." };
}

function recordKeyOf(id: unknown, hidden: readonly string[]): string | null {
  if (typeof id === "number" && Number.isSafeInteger(id)) return JSON.stringify({ id: String(id) });
  if (typeof id !== "string" || id === "" || id.length > MAX_RECORD_ID) return null;
  return JSON.stringify({ id: redact(id, hidden) });
}

/** The `record_id` that an endpoint gave; null if it gave none. */
export function recordIdIn(recordKey: string | null): unknown {
  const key: unknown = recordKey === null ? null : JSON.parse(recordKey);
  return isObject(key) ? (key.id ?? null) : null;
}

function errorsIn(list: unknown, hidden: readonly string[]): RowError[] {
  if (!Array.isArray(list)) return [];
  const text = (value: unknown, length: number) =>
    typeof value === "string" && value.trim() !== "" ? beginningOf(value, length, hidden).trim() : null;
  return list
    .slice(0, MAX_ERRORS)
    .filter(isObject)
    .map(({ column, code, message }) => ({
      column: text(column, MAX_NAME),
      code: text(code, MAX_NAME) ?? "rejected",
      message: text(message, MAX_MESSAGE) ?? "The endpoint gave no message.",
    }));
}

/** Secrets are searched in the whole text: a part of one at its end would not be found. An answer is bounded. */
function beginningOf(text: string, length: number, hidden: readonly string[]): string {
  return redact(text, hidden).trim().slice(0, length).toWellFormed();
}

function secondsOf(value: unknown): number | undefined {
  if (typeof value !== "number" || !(value >= 0)) return undefined;
  return Math.min(value, MAX_RETRY_AFTER_SECONDS);
}

function unknownStatus(status: unknown, hidden: readonly string[]): string {
  const shown = typeof status === "string" ? `"${beginningOf(status, 50, hidden)}"` : "no";
  return `The endpoint gave the row ${shown === "no" ? "no status" : `the status ${shown}`}. It must be created, updated, unchanged, failed or retry.`;
}
