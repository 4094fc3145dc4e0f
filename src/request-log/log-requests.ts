/** Logs each request of the API when it has ended. Requests never wait for the log. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Context } from "../context.ts";
import { ASSETS_ROUTE } from "../platform/http/console.ts";
import { observeRequest } from "../platform/http/ended-requests.ts";
import { tryToCreateDayPartitions } from "../platform/postgres/partitions/day-partitions.ts";
import { REQUEST_LOG } from "../schema/request-log.ts";
import { LogBuffer } from "./log-buffer.ts";
import { writeEntries } from "./write-entries.ts";

export interface RequestLog {
  /** Logs the request when it ends. The hook does this; call it for requests for which Fastify runs no hooks. */
  observe(request: FastifyRequest, reply: FastifyReply): void;
  /** Observes the requests of the app. Call it before any hook that may answer. */
  follow(app: FastifyInstance): void;
}

/** Probes would be most of the requests of a quiet day, and a page of the console loads many files. */
const UNLOGGED: ReadonlySet<string | undefined> = new Set(["/livez", "/readyz", ASSETS_ROUTE]);

export function openRequestLog(ctx: Context): RequestLog {
  const isLogged = ctx.config.requestLog;
  const buffer = new LogBuffer((entries, dropped) => writeEntries(ctx, entries, dropped), ctx.log);
  const observe = (request: FastifyRequest, reply: FastifyReply) =>
    observeRequest(request, reply, ctx.now, (ended) => {
      ctx.activity.emit("requestEnded", ended);
      if (isLogged && !UNLOGGED.has(ended.route)) buffer.add(ended);
    });
  return {
    observe,
    follow(app) {
      app.addHook("onRequest", (request, reply, done) => {
        observe(request, reply);
        done();
      });
      app.addHook("onListen", async () => {
        if (isLogged) await tryToCreateDayPartitions(ctx, [REQUEST_LOG]);
      });
      app.addHook("onClose", () => buffer.close());
    },
  };
}
