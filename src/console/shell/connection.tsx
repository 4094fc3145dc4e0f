import { Alert, Group, Text, Tooltip } from "@mantine/core";
import { IconPlugConnectedX } from "@tabler/icons-react";
import { type LiveState, useLiveState } from "../api/live.ts";
import { words } from "../words/common.ts";

const LOOKS: Readonly<Record<LiveState, readonly [color: string, text: string]>> = {
  live: ["var(--rowmill-success)", words.live],
  polling: ["var(--mantine-color-yellow-6)", words.polling],
  paused: ["var(--rowmill-waiting)", words.paused],
  offline: ["var(--rowmill-failed)", words.offline],
  unreachable: ["var(--rowmill-failed)", words.unreachable],
};

/** Whether the page follows changes. */
export function LiveDot() {
  const state = useLiveState();
  const [color, text] = LOOKS[state];
  return (
    <Tooltip label={text} maw={320} multiline>
      <Group gap={6} wrap="nowrap" px={6} visibleFrom="xs" data-live={state}>
        <span aria-hidden style={{ width: 8, height: 8, borderRadius: 4, background: color }} />
        <Text size="xs" c="dimmed">
          {state === "polling" ? words.polling : state === "live" ? words.live : words.paused}
        </Text>
      </Group>
    </Tooltip>
  );
}

export function ConnectionBanner() {
  const state = useLiveState();
  if (state !== "offline" && state !== "unreachable") return null;
  return (
    <Alert color="yellow" icon={<IconPlugConnectedX aria-hidden />} mb="md" role="status">
      {LOOKS[state][1]}
    </Alert>
  );
}
