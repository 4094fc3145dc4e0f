/** Sends rows to an endpoint, and makes outcomes of its answer. */
import type { Context } from "../../context.ts";
import { plural } from "../../platform/plural.ts";
import { jsonWriter } from "../columns/json-text.ts";
import type { Definition } from "../definition/definition.ts";
import type { HttpDestination } from "../definition/destination.ts";
import { failed } from "../outcomes.ts";
import { type PreparedRows, RowPreparation } from "../tables/write/prepare-rows.ts";
import type { Columns, GroupAnswer, GroupTarget, Outcome, TargetRow, Values } from "../target.ts";
import {
  type EncodedRequest,
  type EncodedRow,
  encodeRequest,
  MAX_BODY_BYTES,
  messageIdOf,
} from "./encode-rows.ts";
import { postRequest } from "./post-request.ts";
import { type Meaning, readAnswer } from "./read-answer.ts";
import { readRowResult } from "./read-results.ts";
import { maxRowsOf, takeTurn } from "./take-turn.ts";

export function rowSender(
  name: string,
  definition: Definition & { readonly destination: HttpDestination },
): GroupTarget<Columns, Values>["send"] {
  const { destination } = definition;
  const write = jsonWriter(definition);
  const preparation = new RowPreparation(definition);
  const maxRows = maxRowsOf(destination);
  return async (ctx, tx, batch, rows, attempt) => {
    const head = {
      type: "rows",
      target: name,
      batch_id: batch.id,
      mode: batch.mode,
      dry_run: attempt.isDryRun,
      attempt: attempt.attempt,
    };
    const group = rows.slice(0, maxRows);
    const prepared = await preparation.prepare(ctx, batch, group);
    const request = encodeRequest(head, encodeRows(prepared.ready, write, attempt.rowIdOf), maxRows);
    const covered = coveredBy(request, group, prepared);
    const { sent } = request;
    let answer: GroupAnswer;
    if (sent.length === 0) answer = answered(request, covered, prepared, () => NOT_SENT);
    else {
      const waiting = await takeTurn(ctx, tx, { name, batchId: batch.id }, destination, sent.length);
      if (waiting) return waiting;
      const id = messageIdOf("b", batch.id, sent, attempt.run);
      const message = { url: destination.url, id, body: request.body };
      const reply = await postRequest(ctx, destination, message, attempt.signal);
      const ids = new Set(sent.map((row) => row.id));
      const meaning = readAnswer(reply, ids, destination.trust_empty ?? false, ctx.now());
      const facts = { target: name, batchId: batch.id, messageId: id, attempt: attempt.attempt };
      logAnswer(ctx, { ...facts, rows: sent.length }, meaning);
      answer = answerOf(meaning, request, covered, prepared);
    }
    if (answer.kind === "answered") {
      const { outcomes } = answer;
      const byRow = new Map(covered.map(({ row }, index) => [row, outcomes[index]]));
      await preparation.release(tx, batch, prepared.ready, (row) => byRow.get(row));
    }
    return answer;
  };
}

function* encodeRows(
  rows: readonly TargetRow<Values>[],
  write: (values: Values) => string,
  rowIdOf: (row: number) => string,
): Generator<EncodedRow> {
  for (const { row, values } of rows) yield { row, id: rowIdOf(row), fields: `"data":${write(values)}` };
}

/** The first rows of the group: up to the first one that did not fit into the request. */
function coveredBy(
  { count }: EncodedRequest,
  group: readonly TargetRow<Values>[],
  { ready }: PreparedRows,
): readonly TargetRow<Values>[] {
  const next = ready[count]?.row;
  return next === undefined ? group : group.filter(({ row }) => row < next);
}

function answerOf(
  meaning: Meaning,
  request: EncodedRequest,
  covered: readonly TargetRow<Values>[],
  prepared: PreparedRows,
): GroupAnswer {
  const count = covered.length;
  const withResults = (resultOf: (row: EncodedRow) => Outcome) =>
    answered(request, covered, prepared, resultOf);
  switch (meaning.kind) {
    case "results":
      return withResults(({ id }) => readRowResult(meaning.results.get(id), meaning.hidden));
    case "allDone":
      return withResults(() => ({ kind: "success", recordId: null, effect: "created" }));
    case "refused":
      if (request.sent.length > 1) return { kind: "divide", count };
      return withResults(() => failed("rejected", meaning.message));
    case "retry": {
      const { code, message, ...others } = meaning;
      return { ...others, count, reason: { column: null, code, message } };
    }
    case "stop":
      return meaning;
  }
}

const NOT_SENT = failed("target_error", "The row was not sent.");

/** The outcomes of rows that were sent, of those that are too large for any request, and of those that are not valid. */
function answered(
  { sent, tooLarge }: EncodedRequest,
  covered: readonly TargetRow<Values>[],
  { failures }: PreparedRows,
  resultOf: (row: EncodedRow) => Outcome,
): GroupAnswer {
  const outcomes = new Map<number, Outcome>();
  for (const row of sent) outcomes.set(row.row, resultOf(row));
  for (const [{ row }, bytes] of tooLarge) outcomes.set(row, failed("row_too_large", tooLargeMessage(bytes)));
  for (const [row, errors] of failures) outcomes.set(row, { kind: "failed", errors });
  return { kind: "answered", outcomes: covered.map(({ row }) => outcomes.get(row) ?? NOT_SENT) };
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
