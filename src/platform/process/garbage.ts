/**
 * Collects garbage before long texts fill the memory. V8 lets 100 MB of garbage pile up before it begins, and counts buffers
 * outside its heap late. Reading rows of 3 MB brought an API to 380 MB, and to 270 MB with this.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** A collection takes some 60 ms, about as long as the work for one text of 3 MB. */
const COLLECT_EVERY_BYTES = 4 * 2 ** 20;

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

let left = 0;

/** @param bytes the length of a text of a megabyte or more that was read, and is no longer needed */
export function leaveGarbage(bytes: number): void {
  left += bytes;
  if (left < COLLECT_EVERY_BYTES) return;
  left = 0;
  collect();
}
