/** Uploads as a form whose fields come in a given order, with headers of their own. */
import type { BatchView } from "../../src/batches/views.ts";
import type { Answer, Client } from "./client.ts";

export type Uploaded = BatchView & { replayed: boolean };

export interface Form {
  /** Options as query parameters. */
  readonly query?: Record<string, string>;
  /** Form fields before the file. */
  readonly fields?: Record<string, string>;
  /** Form fields behind the file. */
  readonly behind?: Record<string, string>;
  readonly headers?: Record<string, string>;
  readonly filename?: string;
}

export function uploadForm<T = Uploaded>(
  user: Client,
  content: string | Uint8Array<ArrayBuffer>,
  { query = {}, fields = {}, behind = {}, headers = {}, filename = "test.csv" }: Form = {},
): Promise<Answer<T>> {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) body.set(name, value);
  body.set("file", new Blob([content]), filename);
  for (const [name, value] of Object.entries(behind)) body.set(name, value);
  return user.send<T>("POST", `/api/v1/batches?${new URLSearchParams(query)}`, { body, headers });
}
