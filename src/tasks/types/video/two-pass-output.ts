/**
 * Writes files sequentially although their muxer goes back to fill in lengths and indexes. The muxer runs twice: the
 * first pass only records the later changes, and the second pass applies each of them when its position is written.
 */
import { StreamTarget, type StreamTargetChunk } from "mediabunny";

interface Patch {
  readonly position: number;
  readonly data: Uint8Array;
}

export class TwoPassOutput {
  readonly #patches: Patch[] = [];
  /** The size of the whole file, known after the first pass. */
  bytes = 0;

  firstPass(): StreamTarget {
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

  /** Needs the same packets as the first pass. */
  secondPass(write: (bytes: Uint8Array) => Promise<void>): StreamTarget {
    // If patches overlap, the last one wins: `order` restores the order in which they were written.
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
