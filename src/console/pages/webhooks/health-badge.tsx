import { IconCheck, IconCircleDashed, IconClock, IconPlayerPause, IconX } from "@tabler/icons-react";
import type { Schemas } from "../../../client/operations.ts";
import { type Look, LookBadge } from "../../parts/states.tsx";
import { webhookWords as words } from "../../words/webhooks.ts";
import { type Health, healthOf } from "./health.ts";

const LOOKS: Readonly<Record<Health, Look>> = {
  healthy: ["green", IconCheck],
  unused: ["gray", IconCircleDashed],
  failing: ["red", IconX],
  slowed: ["orange", IconClock],
  off: ["gray", IconPlayerPause],
};

export function HealthBadge({ webhook }: { readonly webhook: Schemas["Webhook"] }) {
  const health = healthOf(webhook);
  return <LookBadge look={LOOKS[health]}>{words.healths[health]}</LookBadge>;
}
