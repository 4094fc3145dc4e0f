/** A web worker: reads files, so that guesses about them never block the page. */
import { DomainError } from "../../../../errors.ts";
import { SAVE_AS_CSV } from "../../../../platform/csv/other-formats.ts";
import { SAVE_AS_XLSX } from "../../../../platform/workbooks/refusals.ts";
import type { PreviewAnswer, PreviewProblem, PreviewRequest } from "./messages.ts";
import { readPreview } from "./read-preview.ts";

addEventListener("message", ({ data }: MessageEvent<PreviewRequest>) => void answer(data));

async function answer({ id, file, options, limits }: PreviewRequest): Promise<void> {
  const send = (message: PreviewAnswer) => postMessage(message);
  try {
    send({ id, preview: await readPreview(file, options, limits) });
  } catch (error) {
    send({ id, problem: problemOf(error, file) });
  }
}

const WORKBOOK_NAME = /\.(xlsb?|ods|numbers)$/i;

function problemOf(error: unknown, file: Blob): PreviewProblem {
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof DomainError)) return { kind: "unreadable", message };
  const isWorkbook =
    message.includes(SAVE_AS_XLSX) ||
    message.includes(SAVE_AS_CSV) ||
    (file instanceof File && WORKBOOK_NAME.test(file.name));
  return { kind: isWorkbook ? "workbook" : "refused", message };
}
