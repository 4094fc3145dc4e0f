import { ActionIcon, Button, Group, Menu, Stack, TextInput } from "@mantine/core";
import { IconDots } from "@tabler/icons-react";
import { useState } from "react";
import type { Schemas } from "../../../../client/operations.ts";
import { client } from "../../../api/client.ts";
import { invalidate } from "../../../api/queries.ts";
import { Confirm } from "../../../parts/confirm.tsx";
import { showDone } from "../../../parts/feedback.tsx";
import { useBusy } from "../../../parts/use-busy.ts";
import { queuePageWords as words } from "../../../words/admin-overview.ts";
import { queueWords } from "../../../words/queues.ts";
import { PurgeDialog } from "./purge-dialog.tsx";

export function QueueActions({ queue }: { readonly queue: Schemas["Queue"] }) {
  const [asked, setAsked] = useState<"pause" | "purge" | null>(null);
  const [reason, setReason] = useState("");
  const [isBusy, run] = useBusy();
  const path = { queue: queue.name };
  const name = queueWords[queue.name];
  const close = () => setAsked(null);
  const pause = async () => {
    const body = reason.trim() ? { reason: reason.trim() } : {};
    await client.post("/api/v1/admin/queues/{queue}/pause", { path, body });
    await invalidate("/api/v1/admin/queues");
    showDone(words.paused(name));
    setReason("");
  };
  const resume = async () => {
    await client.post("/api/v1/admin/queues/{queue}/resume", { path });
    await invalidate("/api/v1/admin/queues");
    showDone(words.resumed(name));
  };
  return (
    <Group gap={4} wrap="nowrap" justify="flex-end">
      {queue.is_paused ? (
        <Button size="compact-sm" variant="light" loading={isBusy} onClick={() => run(resume)}>
          {words.resume}
        </Button>
      ) : (
        <Button size="compact-sm" variant="default" onClick={() => setAsked("pause")}>
          {words.pause}
        </Button>
      )}
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" aria-label={words.actions(name)}>
            <IconDots size={16} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item color="red" onClick={() => setAsked("purge")}>
            {words.purge}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <Confirm
        isOpen={asked === "pause"}
        onClose={close}
        title={words.pauseTitle(name)}
        action={words.pauseNow}
        run={pause}
      >
        <Stack gap="sm">
          {words.pauseHint}
          <TextInput
            label={words.reason}
            description={words.reasonHint}
            maxLength={1000}
            data-autofocus
            value={reason}
            onChange={({ currentTarget }) => setReason(currentTarget.value)}
          />
        </Stack>
      </Confirm>
      {asked === "purge" && <PurgeDialog queue={queue.name} onClose={close} />}
    </Group>
  );
}
