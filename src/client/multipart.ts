/** Writes a multipart form by hand: `FormData` takes no stream, and does not reveal its size. */
import { randomKey } from "./keys.ts";

export type FormField = readonly [name: string, value: string];

export interface Form {
  readonly contentType: string;
  readonly body: Blob | ReadableStream<Uint8Array>;
}

/** @param file follows the fields: the server processes it while it arrives */
export function formOf(
  fields: readonly FormField[],
  file: Blob | ReadableStream<Uint8Array>,
  filename: string,
): Form {
  const boundary = `rowmill-${randomKey()}`;
  const parts = fields.map(
    ([name, value]) =>
      `--${boundary}\r\nContent-Disposition: form-data; name="${quoted(name)}"\r\n\r\n${value}\r\n`,
  );
  const head = `${parts.join("")}--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${quoted(filename)}"\r\nContent-Type: application/octet-stream\r\n\r\n`;
  const tail = `\r\n--${boundary}--\r\n`;
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    body: file instanceof Blob ? new Blob([head, file, tail]) : surrounded(head, file, tail),
  };
}

/** As browsers do. */
function quoted(name: string): string {
  return name.replace(/["\r\n]/g, (character) => encodeURIComponent(character));
}

function surrounded(
  head: string,
  file: ReadableStream<Uint8Array>,
  tail: string,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return file.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      start: (controller) => controller.enqueue(encoder.encode(head)),
      flush: (controller) => controller.enqueue(encoder.encode(tail)),
    }),
  );
}
