import { NativeSelect, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { client } from "../../api/client.ts";
import { invalidate } from "../../api/queries.ts";
import { Confirm } from "../../parts/confirm.tsx";
import { showDone } from "../../parts/feedback.tsx";
import { formatCount } from "../../parts/format.ts";
import { deliveryWords as words } from "../../words/webhooks.ts";

const DAY_MS = 86_400_000;

interface ReplayFailedProps {
  readonly webhookId: string;
  readonly onClose: () => void;
}

export function ReplayFailed({ webhookId, onClose }: ReplayFailedProps) {
  const [days, setDays] = useState("1");
  return (
    <Confirm
      isOpen
      onClose={onClose}
      title={words.replayFailed}
      action={words.replay}
      run={async () => {
        const since = new Date(Date.now() - Number(days) * DAY_MS).toISOString();
        const { replayed, remaining } = await client.post("/api/v1/webhooks/{webhook_id}/replay", {
          path: { webhook_id: webhookId },
          body: { since },
        });
        const rest = remaining > 0 ? ` ${words.remaining(formatCount(remaining))}` : "";
        showDone(`${words.replayedMany(formatCount(replayed))}${rest}`);
        await invalidate("/api/v1/webhooks");
      }}
    >
      <Stack>
        <Text size="sm">{words.replayFailedHint}</Text>
        <NativeSelect
          label={words.since}
          value={days}
          onChange={({ currentTarget }) => setDays(currentTarget.value)}
          data={Object.entries(words.sinces).map(([value, label]) => ({ value, label }))}
        />
      </Stack>
    </Confirm>
  );
}
