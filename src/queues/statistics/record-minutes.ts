import type { Context } from "../../context.ts";
import { MINUTE_MS, recordMinute } from "./record-minute.ts";

/** Workers are spread over this part of a minute, so that usually one measures and the others see its row. */
const SPREAD_MS = 10_000;
/** The clocks of workers can differ by a second from that of the database. */
const AFTER_START_MS = 2000;
const RETRY_MS = 10_000;

/** Records the numbers of each minute until disposed of, together with all other workers. */
export function recordMinutes(ctx: Context): AsyncDisposable {
  const offsetMs = AFTER_START_MS + Math.random() * SPREAD_MS;
  let timer: NodeJS.Timeout | undefined;
  let isDisposed = false;
  const untilNextMs = () => MINUTE_MS - (ctx.now().getTime() % MINUTE_MS) + offsetMs;
  const failed = (error: unknown) => {
    ctx.log.warn({ err: error }, "could not record the statistics of this minute");
    return RETRY_MS;
  };
  const record = async (): Promise<void> => {
    const waitMs = await recordMinute(ctx).then(untilNextMs, failed);
    if (isDisposed) return;
    timer = setTimeout(() => {
      recording = record();
    }, waitMs).unref();
  };
  let recording = record();
  return {
    async [Symbol.asyncDispose]() {
      isDisposed = true;
      clearTimeout(timer);
      await recording;
    },
  };
}
