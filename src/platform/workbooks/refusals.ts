/** Errors that say why a workbook cannot be read, and what to do. */
import { DomainError, invalidField } from "../../errors.ts";

/** The advice for workbooks in other formats. */
export const SAVE_AS_XLSX = "save it as .xlsx or CSV (UTF-8), and send that file.";
const SAVE_AGAIN = "Open it in a spreadsheet program, save it again as .xlsx, and send that file.";

export function damaged(what: string, cause?: unknown): DomainError {
  return invalidField("file", `is a damaged workbook: ${what}. ${SAVE_AGAIN}`, cause);
}

export function tooLarge(what: string, advice = "Split it, or save the sheet as CSV (UTF-8)."): DomainError {
  return new DomainError("too_large", `The workbook ${what}. ${advice}`);
}

export function quoted(name: string): string {
  return `"${name.slice(0, 100)}"`;
}
