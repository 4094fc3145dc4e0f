/**
 * Files whose writer goes back to fill in lengths and indexes, written front to back. They are made twice: the first
 * time only what is filled in later is kept, the second time it is there already when its place comes.
 */
import { StreamTarget, type StreamTargetChunk } from "mediabunny";

interface Patch {
  readonly position: number;
  readonly data: Uint8Array;
}

export class LaterWrites {
  readonly #patches: Patch[] = [];
  /** Of the whole file. */
  bytes = 0;

  /** For the first time. */
  recorder(): StreamTarget {
    return new StreamTarget(
      new WritableStream<StreamTargetChunk>({
        write: ({ position, data }) => {
          if (position < this.bytes) {
            this.#patches.push({ position, data: data.slice(0, this.bytes - position) });
          }
          this.bytes = Math.max(this.bytes, position + data.length);
        },
      }),
    );
  }

  /** For the second time, with the same packets. */
  writer(write: (bytes: Uint8Array) => Promise<void>): StreamTarget {
    // Of two that overlap, the one that was written later counts: sort is stable, and `due` keeps their order.
    const waiting = this.#patches.map((patch, order) => ({ ...patch, order }));
    waiting.sort((a, b) => a.position - b.position);
    let next = 0;
    let due: typeof waiting = [];
    let written = 0;
    return new StreamTarget(
      new WritableStream<StreamTargetChunk>({
        write: async ({ position, data }) => {
          const bytes = data.slice(Math.max(0, written - position));
          if (bytes.length === 0) return;
          const end = written + bytes.length;
          for (let patch = waiting[next]; patch && patch.position < end; patch = waiting[next]) {
            due.push(patch);
            next++;
          }
          due.sort((a, b) => a.order - b.order);
          for (const patch of due) overlay(bytes, written, patch);
          due = due.filter((patch) => patch.position + patch.data.length > end);
          written = end;
          await write(bytes);
        },
      }),
    );
  }
}

function overlay(bytes: Uint8Array, start: number, patch: Patch): void {
  const from = Math.max(start, patch.position);
  const to = Math.min(start + bytes.length, patch.position + patch.data.length);
  if (from < to) bytes.set(patch.data.subarray(from - patch.position, to - patch.position), from - start);
}
