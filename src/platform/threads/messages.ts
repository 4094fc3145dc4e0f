/** The messages between a thread and its parent. */

/** The functions that the parent runs for a thread. Bytes are moved between the threads, not copied. */
export type Host = Readonly<Record<string, (...args: never[]) => Promise<unknown>>>;

export interface ThreadData {
  /** The thread collects garbage if it has more bytes than this outside the heap. */
  readonly collectAboveBytes: number;
  readonly data: unknown;
}

export type FromThread =
  | { readonly kind: "call"; readonly id: number; readonly name: string; readonly args: readonly unknown[] }
  | { readonly kind: "progress"; readonly percent: number; readonly message: string | undefined }
  | { readonly kind: "done"; readonly result: unknown }
  | { readonly kind: "failed"; readonly failure: Failure };

/** The answer to a call. A call that fails has no answer, because it ends the thread. */
export interface ToThread {
  readonly id: number;
  readonly value: unknown;
}

/** An error as it crosses between threads. */
export interface Failure {
  readonly name: string;
  readonly code: string | undefined;
  readonly message: string;
  readonly stack: string | undefined;
}

/** Returns the buffer of bytes, to move it. Bytes that share their buffer with others are copied instead. */
export function movable(value: unknown): ArrayBuffer[] {
  const isWhole =
    value instanceof Uint8Array &&
    value.buffer instanceof ArrayBuffer &&
    value.byteLength === value.buffer.byteLength;
  return isWhole ? [value.buffer as ArrayBuffer] : [];
}
