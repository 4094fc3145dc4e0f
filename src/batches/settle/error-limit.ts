/** The upload option `max_errors`: the number or the percentage of failed rows that ends a batch. */

export const MAX_ERRORS = /^(0*[1-9]\d{0,8}|(0|[1-9]\d?)(\.\d{1,3})?%|100%)$/;

/** @returns the number of failed rows that ends the batch; at least one */
export function errorLimit(maxErrors: string, totalRows: number): number {
  const value = Number.parseFloat(maxErrors);
  return maxErrors.endsWith("%") ? Math.max(1, Math.ceil((totalRows * value) / 100)) : value;
}
