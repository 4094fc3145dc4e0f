/** Asks an endpoint to undo rows. */
import type { Context } from "../../context.ts";
import type { HttpDestination } from "../definition/destination.ts";
import type { GroupTarget, GroupUndoAnswer } from "../target.ts";
import { type EncodedRow, encodeRequest, messageIdOf } from "./encode-rows.ts";
import { postRequest } from "./post-request.ts";
import { readAnswer } from "./read-answer.ts";
import { readUndoResult, recordIdIn } from "./read-results.ts";
import { maxRowsOf, takeTurn } from "./take-turn.ts";

type SendUndo = NonNullable<GroupTarget["sendUndo"]>;

export function undoSender(name: string, destination: HttpDestination, url: string): SendUndo {
  return async (ctx: Context, tx, batch, rows, attempt): Promise<GroupUndoAnswer> => {
    const encoded = rows.map(
      ({ row, recordKey, effect }): EncodedRow => ({
        row,
        id: attempt.rowIdOf(row),
        fields: JSON.stringify({ record_id: recordIdIn(recordKey), effect }).slice(1, -1),
      }),
    );
    const head = { type: "undo", target: name, batch_id: batch.id };
    const { body, sent, count } = encodeRequest(head, encoded, maxRowsOf(destination));
    const waiting = await takeTurn(ctx, tx, { name, batchId: batch.id }, destination, sent.length);
    if (waiting) return waiting;
    const message = { url, id: messageIdOf("u", batch.id, sent, attempt.run), body };
    const reply = await postRequest(ctx, destination, message, attempt.signal);
    const ids = new Set(sent.map(({ id }) => id));
    const meaning = readAnswer(reply, ids, destination.trust_empty ?? false, ctx.now());
    switch (meaning.kind) {
      case "results": {
        const outcomes = sent.map(({ id }) => readUndoResult(meaning.results.get(id), meaning.hidden));
        return { kind: "answered", outcomes };
      }
      case "allDone":
        return { kind: "answered", outcomes: sent.map(() => ({ kind: "reversed" })) };
      case "refused":
        if (sent.length > 1) return { kind: "divide", count };
        return { kind: "answered", outcomes: [{ kind: "failed", reason: meaning.message }] };
      case "retry":
        return { ...meaning, count, reason: { column: null, code: meaning.code, message: meaning.message } };
      case "stop":
        return meaning;
    }
  };
}
