/** Text of a file as a result may hold it: without what PostgreSQL can't store, and cut. */
export function plainText(text: string, maxChars = Number.POSITIVE_INFINITY): string {
  return text.slice(0, maxChars).toWellFormed().replaceAll("\0", "\uFFFD");
}
