/** A web worker: reads files, so that guesses about them never block the page. */
import { DomainError } from "../../../../errors.ts";
import { SAVE_AS_CSV } from "../../../../platform/csv/other-formats.ts";
import type { PreviewAnswer, PreviewProblem, PreviewRequest } from "./messages.ts";
import { readPreview } from "./read-preview.ts";

addEventListener("message", ({ data }: MessageEvent<PreviewRequest>) => void answer(data));

async function answer({ id, file, options }: PreviewRequest): Promise<void> {
  const send = (message: PreviewAnswer) => postMessage(message);
  try {
    send({ id, preview: await readPreview(file, options) });
  } catch (error) {
    send({ id, problem: problemOf(error) });
  }
}

function problemOf(error: unknown): PreviewProblem {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof DomainError)
    return { kind: message.includes(SAVE_AS_CSV) ? "workbook" : "refused", message };
  return { kind: "unreadable", message };
}
