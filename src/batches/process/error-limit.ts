/** `max_errors` of an upload: how many failed rows end a batch. */

/** A number of rows, or a percentage of them. */
export const MAX_ERRORS_PATTERN = "^(0*[1-9]\\d{0,8}|(0|[1-9]\\d?)(\\.\\d{1,3})?%|100%)$";

/** @returns how many failed rows end a batch of so many rows; at least one */
export function errorLimit(maxErrors: string, totalRows: number): number {
  const value = Number.parseFloat(maxErrors);
  return maxErrors.endsWith("%") ? Math.max(1, Math.ceil((totalRows * value) / 100)) : value;
}
