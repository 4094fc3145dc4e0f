/** What a thread and its parent say to each other. */

/** What a thread may ask of its parent. Bytes go over by being moved, never by being copied a second time. */
export type Host = Readonly<Record<string, (...args: never[]) => Promise<unknown>>>;

export interface ThreadData {
  /** Above so many bytes outside of the heap the thread looks what of them is garbage. */
  readonly collectAboveBytes: number;
  readonly data: unknown;
}

export type FromThread =
  | { readonly kind: "call"; readonly id: number; readonly name: string; readonly args: readonly unknown[] }
  | { readonly kind: "progress"; readonly percent: number; readonly message: string | undefined }
  | { readonly kind: "done"; readonly result: unknown }
  | { readonly kind: "failed"; readonly failure: Failure };

/** The answer to a call. One that fails has no answer: it ends the thread. */
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

/** The memory of what is sent as bytes, so that it moves. It must be all of its buffer's: what shares it would lose it. */
export function movable(value: unknown): ArrayBuffer[] {
  const isWhole =
    value instanceof Uint8Array &&
    value.buffer instanceof ArrayBuffer &&
    value.byteLength === value.buffer.byteLength;
  return isWhole ? [value.buffer as ArrayBuffer] : [];
}
