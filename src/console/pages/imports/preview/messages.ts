/** The messages between the page and the worker that reads the file. */
import type { PreviewLimits } from "./limits.ts";
import type { Preview, PreviewOptions } from "./read-preview.ts";

export interface PreviewRequest {
  readonly id: number;
  readonly file: Blob;
  readonly options: PreviewOptions;
  readonly limits: PreviewLimits;
}

/** workbook: a spreadsheet in another format than .xlsx. unreadable: the file changed on disk, was moved, or is forbidden. */
export interface PreviewProblem {
  readonly kind: "refused" | "workbook" | "unreadable";
  readonly message: string;
}

export interface PreviewAnswer {
  readonly id: number;
  readonly preview?: Preview;
  readonly problem?: PreviewProblem;
}
