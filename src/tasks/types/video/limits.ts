export const CONTAINERS = ["mp4", "mov", "webm", "mkv"] as const;
export type Container = (typeof CONTAINERS)[number];

/** What is read of a file stays in memory up to this. */
export const CACHE_BYTES = 16 * 2 ** 20;
/** Nothing in an honest file is so long in one piece. */
export const MAX_READ_BYTES = 64 * 2 ** 20;
/** A file with more tracks was made to have them. */
export const MAX_TRACKS = 64;
