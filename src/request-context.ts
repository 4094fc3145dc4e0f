/** Adds `request.ctx`: the context of one request, with its actor, and with its id in every log line. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Context } from "./context.ts";
import { openDownload, reserveAnswer } from "./platform/http/bounded-answers.ts";
import { downloadPool } from "./platform/http/download-reads.ts";
import { isRead } from "./platform/http/request-limits.ts";
import { databaseOn } from "./platform/postgres/database.ts";
import type { Actor } from "./schema/accounts.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Whether a read may show a state of some seconds ago (DATABASE_READ_MAX_LAG_SECONDS). */
    readonly mayLag?: boolean;
  }
  interface FastifyRequest {
    /** Before authentication, the `actor` of the context is null. */
    readonly ctx: Context;
  }
}

/** Call it after `registerAuth`: the context has the user who is logged in. */
export function registerRequestContext(app: FastifyInstance, ctx: Context): void {
  const { replica } = ctx;
  if (replica)
    // Before the client has the answer and asks for the result of its change.
    app.addHook("onSend", async (request) => {
      if (!isRead(request) && request.login) replica.noteChange(request.login.user.id);
    });
  app.decorateRequest("ctx", {
    getter(this: FastifyRequest): Context {
      const actor: Actor | null = this.login && { ...this.login.user, proof: this.login.proof };
      const { db, pool } = connectionsFor(ctx, this);
      // Fastify has made this child of `ctx.log`, with the id, when the request arrived.
      const log = this.log as Context["log"];
      const reserveMemory = (bytes: number) => reserveAnswer(this, bytes);
      return { ...ctx, db, pool, actor, requestId: this.id, address: this.ip, log, reserveMemory };
    },
  });
}

function connectionsFor(ctx: Context, request: FastifyRequest): Pick<Context, "db" | "pool"> {
  if (!isRead(request)) return ctx;
  const { login, routeOptions } = request;
  const mayLag = routeOptions.config.mayLag && !asksForLatest(request);
  return (mayLag && login && ctx.replica?.readsFor(login.user.id)) || ctx.reads;
}

/** RFC 9111, section 5.2.1.4. Browsers send it if a page is reloaded, and the console always. */
function asksForLatest({ headers }: FastifyRequest): boolean {
  return /\bno-cache\b/i.test(headers["cache-control"] ?? "");
}

/**
 * Waits until there is memory for an answer that is sent while it is read.
 * @param from the context of the request, if its connections are not those that the answer is read with
 * @returns the context to read with, and a function that sends
 * @throws DomainError `unavailable`
 */
export async function beginDownload(request: FastifyRequest, reply: FastifyReply, from = request.ctx) {
  const { reserveMemory, stream } = await openDownload(request, reply);
  const pool = downloadPool(request, reply, from.pool);
  return { ctx: { ...from, db: databaseOn(pool), pool, reserveMemory } satisfies Context, stream };
}
