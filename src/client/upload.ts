/** Uploads a file as a multipart form, without ever holding it in memory. */
import { randomKey } from "./keys.ts";
import { type FormField, formOf } from "./multipart.ts";
import type { Outgoing, Transport } from "./transport.ts";
import { canReportProgress, sendWithProgress } from "./xhr.ts";

/** A `Blob` or `File` can be sent again after a failure; a stream cannot. */
export type UploadSource = Blob | Uint8Array | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>;

export interface Progress {
  /** Bytes of the request that were sent. */
  readonly sent: number;
  /** null: the source is a stream. */
  readonly total: number | null;
}

export interface UploadControls {
  /** Absent: the name of the `File`, or `upload.csv`. */
  readonly filename?: string;
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal | undefined;
  /** Absent: a random one, for a source that can be sent again. */
  readonly idempotencyKey?: string;
}

export interface Upload extends UploadControls {
  readonly path: string;
  readonly source: UploadSource;
  readonly fields: readonly FormField[];
  /** Whether the server recognises a request with the same Idempotency-Key. */
  readonly takesKey: boolean;
}

export async function uploadFile(transport: Transport, upload: Upload): Promise<Response> {
  const { path, signal } = upload;
  const form = formOf(upload.fields, blobOf(upload.source), upload.filename ?? nameOf(upload.source));
  const isRepeatable = form.body instanceof Blob;
  const key = upload.idempotencyKey ?? (isRepeatable && upload.takesKey ? randomKey() : undefined);
  const headers = {
    "content-type": form.contentType,
    ...(key === undefined ? {} : { "idempotency-key": key }),
  };
  const isSafe = isRepeatable && upload.takesKey;
  const outgoing: Outgoing = { method: "POST", headers, body: form.body, signal, isSafe, isFile: true };
  return transport.send(
    path,
    upload.onProgress ? reporting(outgoing, form.body, upload.onProgress) : outgoing,
  );
}

function reporting(
  outgoing: Outgoing,
  body: Blob | ReadableStream<Uint8Array>,
  onProgress: (progress: Progress) => void,
): Outgoing {
  if (!(body instanceof Blob)) return { ...outgoing, body: counted(body, null, onProgress) };
  if (canReportProgress()) return { ...outgoing, send: sendWithProgress(onProgress) };
  return {
    ...outgoing,
    // Otherwise the server could not refuse a file that is too large before it arrives.
    headers: { ...outgoing.headers, "content-length": String(body.size) },
    body: () => counted(body.stream(), body.size, onProgress),
  };
}

function blobOf(source: UploadSource): Blob | ReadableStream<Uint8Array> {
  if (source instanceof Blob || source instanceof ReadableStream) return source;
  if (source instanceof Uint8Array) return new Blob([source as Uint8Array<ArrayBuffer>]);
  return streamOf(source[Symbol.asyncIterator]());
}

/** Not every browser has `ReadableStream.from`. */
function streamOf(parts: AsyncIterator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await parts.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await parts.return?.();
    },
  });
}

function nameOf(source: UploadSource): string {
  return source instanceof Blob && "name" in source ? String(source.name) : "upload.csv";
}

function counted(
  stream: ReadableStream<Uint8Array>,
  total: number | null,
  onProgress: (progress: Progress) => void,
): ReadableStream<Uint8Array> {
  let sent = 0;
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform(bytes, controller) {
      sent += bytes.byteLength;
      onProgress({ sent, total });
      controller.enqueue(bytes);
    },
  });
  return stream.pipeThrough(counter);
}
