import { ActionIcon, Button, Menu } from "@mantine/core";
import {
  IconDots,
  IconKey,
  IconPencil,
  IconPlayerPause,
  IconPlayerPlay,
  IconTrash,
} from "@tabler/icons-react";
import { useState } from "react";
import type { Schemas } from "../../../client/operations.ts";
import { client } from "../../api/client.ts";
import { invalidate } from "../../api/queries.ts";
import { Confirm } from "../../parts/confirm.tsx";
import { showDone } from "../../parts/feedback.tsx";
import { useBusy } from "../../parts/use-busy.ts";
import { useIsShown } from "../../parts/use-is-shown.ts";
import { words as common } from "../../words/common.ts";
import { webhookWords as words } from "../../words/webhooks.ts";

interface WebhookActionsProps {
  readonly webhook: Schemas["Webhook"];
  readonly onEdit: () => void;
  readonly onSecret: (secret: string) => void;
  readonly onTested: (deliveryId: string) => void;
  readonly onDeleted: () => Promise<unknown>;
}

const PATH = "/api/v1/webhooks/{webhook_id}";

export function WebhookActions({ webhook, onEdit, onSecret, onTested, onDeleted }: WebhookActionsProps) {
  const [asked, setAsked] = useState<"off" | "rotate" | "delete" | null>(null);
  const [isBusy, run] = useBusy();
  const isShown = useIsShown();
  const path = { webhook_id: webhook.id };
  const reload = () => invalidate("/api/v1/webhooks");
  const enable = async (is_enabled: boolean) => {
    await client.patch(PATH, { path, body: { is_enabled } });
    showDone(is_enabled ? words.switchedOn : words.isOff);
    await reload();
  };
  const test = async () => {
    try {
      const { id } = await client.post(`${PATH}/test`, { path });
      if (isShown()) onTested(id);
    } finally {
      void reload();
    }
  };
  const questions = {
    off: { title: words.switchOffTitle, hint: words.switchOffHint, action: words.switchOff },
    rotate: { title: words.rotateTitle, hint: words.rotateHint, action: words.rotate },
    delete: { title: words.deleteTitle, hint: words.deleteHint, action: words.delete },
  };
  const answers = {
    off: () => enable(false),
    rotate: async () => {
      onSecret((await client.post(`${PATH}/rotate`, { path })).secret);
      void reload();
    },
    delete: async () => {
      await client.delete(PATH, { path });
      showDone(words.deleted);
      // This page would read the webhook once more.
      await onDeleted();
      void reload();
    },
  };
  return (
    <>
      <Button variant="default" loading={isBusy} onClick={() => run(test)}>
        {words.test}
      </Button>
      {!webhook.is_enabled && (
        <Button
          loading={isBusy}
          leftSection={<IconPlayerPlay size={16} aria-hidden />}
          onClick={() => run(() => enable(true))}
        >
          {words.switchOn}
        </Button>
      )}
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="default" size={36} aria-label={common.moreActions}>
            <IconDots size={16} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<IconPencil size={16} aria-hidden />} onClick={onEdit}>
            {words.edit}
          </Menu.Item>
          <Menu.Item leftSection={<IconKey size={16} aria-hidden />} onClick={() => setAsked("rotate")}>
            {words.rotate}
          </Menu.Item>
          {webhook.is_enabled && (
            <Menu.Item
              leftSection={<IconPlayerPause size={16} aria-hidden />}
              onClick={() => setAsked("off")}
            >
              {words.switchOff}
            </Menu.Item>
          )}
          <Menu.Divider />
          <Menu.Item
            color="red"
            leftSection={<IconTrash size={16} aria-hidden />}
            onClick={() => setAsked("delete")}
          >
            {words.delete}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {asked && (
        <Confirm
          isOpen
          onClose={() => setAsked(null)}
          title={questions[asked].title}
          action={questions[asked].action}
          isDangerous={asked === "delete"}
          run={answers[asked]}
        >
          {questions[asked].hint}
        </Confirm>
      )}
    </>
  );
}
