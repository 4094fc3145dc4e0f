import pLimit from "p-limit";

/** Two at a time: a picture can need hundreds of MB, and the other two threads of libuv are for passwords and files. */
const slots = pLimit(2);

/**
 * Runs `work` when a slot is free. Decode every picture within it.
 * @throws the reason of `signal` if it aborts before `work` starts
 */
export function withSlot<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const giveUp = () => reject(signal?.reason);
    signal?.addEventListener("abort", giveUp, { once: true });
    const start = () => {
      signal?.removeEventListener("abort", giveUp);
      signal?.throwIfAborted();
      return work();
    };
    slots(start).then(resolve, reject);
  });
}
