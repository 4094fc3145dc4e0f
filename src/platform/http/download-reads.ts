/**
 * Limits how many downloads of a process read from the database at a time. A download asks for its next page at once, so twenty of
 * them would take every connection, and the requests of other users would wait for pages that they do not need.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type pg from "pg";
import { DomainError } from "../../errors.ts";
import { FairSlots, NoSlot } from "../fair-slots.ts";
import { withQuery } from "../postgres/database.ts";
import { requesterOf } from "./requester.ts";
import { signalOf } from "./signal-of.ts";

declare module "fastify" {
  interface FastifyInstance {
    readonly downloadReads: FairSlots;
  }
}

/** Longer than a turn takes if the statements of all downloads reach their time limit. */
const WAIT_MS = 60_000;
const RETRY_AFTER_SECONDS = 5;

/** @param total the reads of all downloads at a time */
export function limitDownloadReads(app: FastifyInstance, total: number): void {
  const waiting = Number.POSITIVE_INFINITY;
  app.decorate("downloadReads", new FairSlots({ total, perUser: total, waiting, waitMs: WAIT_MS }));
}

/** Returns connections of the pool for a download, whose users take turns. */
export function downloadPool(request: FastifyRequest, reply: FastifyReply, pool: pg.Pool): pg.Pool {
  const { downloadReads } = request.server;
  return withQuery(pool, async (query, values) => {
    using _slot = await downloadReads
      .take(requesterOf(request), () => signalOf(reply))
      .catch((error: unknown) => {
        throw error instanceof NoSlot ? noConnection() : error;
      });
    return await pool.query(query, values);
  });
}

function noConnection(): DomainError {
  const message = `Other downloads have used the connections of downloads for ${WAIT_MS / 1000} seconds. Try again in a moment.`;
  return new DomainError("unavailable", message, { retryAfterSeconds: RETRY_AFTER_SECONDS });
}
