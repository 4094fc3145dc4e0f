import type { Schemas } from "../../../client/operations.ts";

export type Health = "healthy" | "unused" | "failing" | "slowed" | "off";

type Facts = Pick<
  Schemas["Webhook"],
  "is_enabled" | "failing_since" | "is_throttled" | "held_until" | "last_success_at"
>;

/** The most important of the facts about an endpoint. */
export function healthOf(webhook: Facts, now = Date.now()): Health {
  const { is_enabled, failing_since, is_throttled, held_until, last_success_at } = webhook;
  if (!is_enabled) return "off";
  if (is_throttled || (held_until !== null && Date.parse(held_until) > now)) return "slowed";
  if (failing_since !== null) return "failing";
  return last_success_at === null ? "unused" : "healthy";
}
