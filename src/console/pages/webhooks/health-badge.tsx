import { Badge } from "@mantine/core";
import { IconCheck, IconCircleDashed, IconClock, IconPlayerPause, IconX } from "@tabler/icons-react";
import type { Schemas } from "../../../client/operations.ts";
import { webhookWords as words } from "../../words/webhooks.ts";
import { type Health, healthOf } from "./health.ts";

const LOOKS: Readonly<Record<Health, readonly [color: string, icon: typeof IconX]>> = {
  healthy: ["green", IconCheck],
  unused: ["gray", IconCircleDashed],
  failing: ["red", IconX],
  slowed: ["orange", IconClock],
  off: ["gray", IconPlayerPause],
};

export function HealthBadge({ webhook }: { readonly webhook: Schemas["Webhook"] }) {
  const health = healthOf(webhook);
  const [color, Icon] = LOOKS[health];
  return (
    <Badge
      color={color}
      variant="light"
      radius="sm"
      tt="none"
      fw={600}
      leftSection={<Icon size={12} aria-hidden />}
      miw="max-content"
    >
      {words.healths[health]}
    </Badge>
  );
}
