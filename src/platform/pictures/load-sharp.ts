/** Loads sharp, with our settings. Only this folder imports it. */
import type { SharpConstructor } from "sharp";

/** The only decoders that are enabled. libvips has dozens, some with a history of vulnerabilities (SVG, PDF, TIFF). */
const DECODERS = [
  "VipsForeignLoadJpegBuffer",
  "VipsForeignLoadPngBuffer",
  "VipsForeignLoadWebpBuffer",
  "VipsForeignLoadNsgifBuffer",
  "VipsForeignLoadHeifBuffer",
];

let loading: Promise<SharpConstructor> | null = null;

/** Most processes never see a picture, and the library takes 20 MB, so the first picture loads it. */
export function loadSharp(): Promise<SharpConstructor> {
  loading ??= import("sharp").then(({ default: sharp }) => prepared(sharp));
  return loading;
}

function prepared(sharp: SharpConstructor): SharpConstructor {
  sharp.block({ operation: ["VipsForeignLoad"] });
  sharp.unblock({ operation: DECODERS });
  // One thread per picture, so that two pictures use two threads. No cache, because no picture is decoded twice.
  sharp.concurrency(1);
  sharp.cache(false);
  return sharp;
}
