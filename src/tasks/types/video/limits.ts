export const CONTAINERS = ["mp4", "mov", "webm", "mkv"] as const;
export type Container = (typeof CONTAINERS)[number];

/** The cache of a file while it is read. */
export const CACHE_BYTES = 16 * 2 ** 20;
/** Valid files have no single block of this size. */
export const MAX_READ_BYTES = 64 * 2 ** 20;
/** Valid files have fewer tracks. */
export const MAX_TRACKS = 64;
