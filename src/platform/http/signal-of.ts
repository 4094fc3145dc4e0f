import type { FastifyReply } from "fastify";
import { DomainError } from "../../errors.ts";

const signals = new WeakMap<FastifyReply["raw"], AbortSignal>();

/** Returns a signal that aborts when the client disconnects. */
export function signalOf({ raw }: FastifyReply): AbortSignal {
  const known = signals.get(raw);
  if (known) return known;
  const gone = new AbortController();
  const abort = () => gone.abort(new DomainError("invalid_input", "The client has disconnected."));
  if (raw.closed) abort();
  else raw.once("close", abort);
  signals.set(raw, gone.signal);
  return gone.signal;
}
