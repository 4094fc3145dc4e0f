/** Sends rows to an endpoint, and makes outcomes of its answer. */
import type { Context } from "../../context.ts";
import { plural } from "../../platform/plural.ts";
import { toJsonText } from "../columns/json-text.ts";
import type { Definition } from "../definition/definition.ts";
import type { HttpDestination } from "../definition/destination.ts";
import { failed } from "../outcomes.ts";
import type { Columns, GroupAnswer, GroupTarget, Outcome, TargetRow, Values } from "../target.ts";
import { type EncodedRequest, type EncodedRow, encodeRequest, MAX_BODY_BYTES, messageIdOf } from "./encode-rows.ts";
import { postRequest } from "./post-request.ts";
import { type Meaning, readAnswer } from "./read-answer.ts";
import { readRowResult } from "./read-results.ts";
import { maxRowsOf, takeTurn } from "./take-turn.ts";

export function rowSender(
  name: string,
  definition: Definition & { readonly destination: HttpDestination },
): GroupTarget<Columns, Values>["send"] {
  const { destination } = definition;
  return async (ctx, tx, batch, rows, attempt) => {
    const head = {
      type: "rows",
      target: name,
      batch_id: batch.id,
      mode: batch.mode,
      dry_run: attempt.isDryRun,
      attempt: attempt.attempt,
    };
    const encodedRows = encodeRows(definition, rows, attempt.rowIdOf);
    const request = encodeRequest(head, encodedRows, maxRowsOf(destination));
    if (request.sent.length === 0) return answered(request, rows, () => NOT_SENT);
    const waiting = await takeTurn(ctx, tx, name, destination, request.sent.length);
    if (waiting) return waiting;
    const id = messageIdOf("b", batch.id, request.sent, attempt.run);
    const message = { url: destination.url, id, body: request.body };
    const reply = await postRequest(ctx, destination, message, attempt.signal);
    const ids = new Set(request.sent.map((row) => row.id));
    const meaning = readAnswer(reply, ids, destination.trust_empty ?? false, ctx.now());
    const facts = { target: name, batchId: batch.id, messageId: id, attempt: attempt.attempt };
    logAnswer(ctx, { ...facts, rows: request.sent.length }, meaning);
    return answerOf(meaning, request, rows);
  };
}

function* encodeRows(
  definition: Definition,
  rows: readonly TargetRow<Values>[],
  rowIdOf: (row: number) => string,
): Generator<EncodedRow> {
  for (const { row, values } of rows)
    yield { row, id: rowIdOf(row), fields: `"data":${toJsonText(definition, values)}` };
}

function answerOf(
  meaning: Meaning,
  request: EncodedRequest,
  rows: readonly TargetRow<Values>[],
): GroupAnswer {
  const { count, sent } = request;
  switch (meaning.kind) {
    case "results": {
      const { results, hidden } = meaning;
      return answered(request, rows, ({ id }) => readRowResult(results.get(id), hidden));
    }
    case "allDone":
      return answered(request, rows, () => ({ kind: "success", recordId: null, effect: "created" }));
    case "refused":
      if (sent.length > 1) return { kind: "divide", count };
      return answered(request, rows, () => failed("rejected", meaning.message));
    case "retry": {
      const { code, message, ...others } = meaning;
      return { ...others, count, reason: { column: null, code, message } };
    }
    case "stop":
      return meaning;
  }
}

const NOT_SENT = failed("not_sent", "The row was not sent.");

/** The outcomes of the first rows: of those that were sent, and of those that are too large for any request. */
function answered(
  { count, sent, tooLarge }: EncodedRequest,
  rows: readonly TargetRow<Values>[],
  resultOf: (row: EncodedRow) => Outcome,
): GroupAnswer {
  const outcomes = new Map<number, Outcome>();
  for (const row of sent) outcomes.set(row.row, resultOf(row));
  for (const [{ row }, bytes] of tooLarge) outcomes.set(row, failed("row_too_large", tooLargeMessage(bytes)));
  return { kind: "answered", outcomes: rows.slice(0, count).map(({ row }) => outcomes.get(row) ?? NOT_SENT) };
}

function tooLargeMessage(bytes: number): string {
  return `The row has ${plural(bytes, "byte")} as JSON. A request to the endpoint has at most ${plural(MAX_BODY_BYTES, "byte")}, so the row cannot be sent. Shorten its cells.`;
}

/** Rows and answers can be personal data, so the log has numbers only. */
function logAnswer(ctx: Context, facts: object, meaning: Meaning): void {
  if (meaning.kind === "results" && meaning.unknownIds > 0) {
    const { unknownIds } = meaning;
    ctx.log.warn({ ...facts, unknownIds }, "the endpoint sent results for rows that it did not get");
  }
  ctx.log.info({ ...facts, answer: meaning.kind }, "rows sent to an endpoint");
}
