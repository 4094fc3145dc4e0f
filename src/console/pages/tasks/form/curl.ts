/** The command that sends the same request from a shell. The token is not part of it. */
export function curlOf(origin: string, path: string, body: unknown): string {
  return [
    `curl -X POST ${quoted(`${origin}${path}`)}`,
    `  -H "Authorization: Bearer $ROWMILL_TOKEN"`,
    `  -H 'Content-Type: application/json'`,
    `  -d ${quoted(JSON.stringify(body, null, 2))}`,
  ].join(" \\\n");
}

/** In single quotes, a shell replaces nothing. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
