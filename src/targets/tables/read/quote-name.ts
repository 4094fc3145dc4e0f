/** Quotes a name for SQL. Names come from definitions and catalogs, never from an upload. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
