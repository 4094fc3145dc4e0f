/** Adds `request.ctx`: the context of one request, with its actor, and with its id in every log line. */
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Context } from "./context.ts";
import { isRead } from "./platform/http/request-limits.ts";
import type { Actor } from "./schema/accounts.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Before authentication, the `actor` of the context is null. */
    readonly ctx: Context;
  }
}

export function registerRequestContext(app: FastifyInstance, ctx: Context): void {
  app.decorateRequest("ctx", {
    getter(this: FastifyRequest): Context {
      const actor: Actor | null = this.login && { ...this.login.user, proof: this.login.proof };
      const { db, pool } = isRead(this) ? ctx.reads : ctx;
      // Fastify has made this child of `ctx.log`, with the id, when the request arrived.
      return { ...ctx, db, pool, actor, requestId: this.id, log: this.log as Context["log"] };
    },
  });
}
