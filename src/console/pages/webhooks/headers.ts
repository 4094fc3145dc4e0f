/** Headers as people type them, one per line. */
import { webhookWords as words } from "../../words/webhooks.ts";

type Parsed =
  | { readonly headers: Readonly<Record<string, string>>; readonly error?: undefined }
  | { readonly headers?: undefined; readonly error: string };

/** The API checks names and values. */
export function parseHeaders(text: string): Parsed {
  const headers: Record<string, string> = {};
  for (const line of text.split("\n").map((line) => line.trim())) {
    if (line === "") continue;
    const at = line.indexOf(":");
    const value = line.slice(at + 1).trim();
    if (at < 1 || value === "") return { error: words.headersInvalid(line.slice(0, 60)) };
    headers[line.slice(0, at).trim().toLowerCase()] = value;
  }
  return { headers };
}
