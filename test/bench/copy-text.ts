/** Values in the text format of COPY, for the files of the floors. */

/** https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.2 */
export function copyValue(text: string): string {
  if (!/[\\\t\n\r]/.test(text)) return text;
  return text
    .replaceAll("\\", "\\\\")
    .replaceAll("\t", "\\t")
    .replaceAll("\n", "\\n")
    .replaceAll("\r", "\\r");
}

export const COPY_NULL = "\\N";
