import pLimit from "p-limit";

/** Two at a time: the other two of libuv's threads are for passwords and files, and each may need hundreds of MB. */
const turns = pLimit(2);

/**
 * Every picture that this process decodes is decoded within `work`.
 * @throws the reason of `signal` as soon as it aborts before its turn has come
 */
export function withSlot<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const giveUp = () => reject(signal?.reason);
    signal?.addEventListener("abort", giveUp, { once: true });
    const begin = () => {
      signal?.removeEventListener("abort", giveUp);
      signal?.throwIfAborted();
      return work();
    };
    turns(begin).then(resolve, reject);
  });
}
