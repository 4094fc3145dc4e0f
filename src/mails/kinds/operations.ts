/** Mails about webhooks and backups. */
import { button, facts, paragraph } from "../layout/blocks.ts";
import type { MailTemplate } from "./kind.ts";

export const webhookDisabled: MailTemplate<"webhook_disabled"> = {
  description: "Says why a webhook was disabled.",
  subscription: () => "webhook.disabled",
  title: () => "A webhook was disabled",
  blocks: ({ webhook_id, url, reason }, { home }) => [
    paragraph(`Rowmill sends no more events to your webhook. ${reason}`),
    facts([
      ["URL", url],
      ["Webhook", webhook_id],
    ]),
    paragraph(
      "When the endpoint works again, enable the webhook. You can then replay the deliveries that have failed.",
    ),
    button("Show the webhook", `${home}/api/v1/webhooks/${encodeURIComponent(webhook_id)}`),
  ],
  reason: "You get this mail because you have a webhook at",
};

export const backupEnded: MailTemplate<"backup_ended"> = {
  description: "Reports that a backup was written or has failed.",
  subscription: ({ state }) => `backup.${state}`,
  title: ({ state }) => (state === "completed" ? "A backup was written" : "A backup has failed"),
  blocks: ({ backup_id, message }, { home }) => [
    paragraph(message),
    facts([["Backup", backup_id]]),
    button("Show all backups", `${home}/api/v1/admin/backups`),
  ],
  reason: "You get this mail because you are an administrator of",
};
