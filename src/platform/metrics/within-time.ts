/** A scrape waits for the database for up to this time. */
const READ_TIMEOUT_MS = 3000;

/** Gives up a read for a metric, so that the others are shown without it. @throws Error */
export async function withinTime<T>(reading: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new Error(`no answer within ${READ_TIMEOUT_MS} ms`)),
    READ_TIMEOUT_MS,
  );
  try {
    return await Promise.race([reading, late]);
  } finally {
    clearTimeout(timer);
  }
}
