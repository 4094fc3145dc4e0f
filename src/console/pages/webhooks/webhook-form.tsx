import { Button, Checkbox, Group, Stack, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";
import type { AnswerOf, OperationOf, Schemas } from "../../../client/operations.ts";
import { client } from "../../api/client.ts";
import { invalidate } from "../../api/queries.ts";
import { fieldError, showDone } from "../../parts/feedback.tsx";
import { FormFailure, useForm } from "../../parts/form.tsx";
import { words as common } from "../../words/common.ts";
import { webhookWords as words } from "../../words/webhooks.ts";
import { EventField } from "./event-field.tsx";
import { parseHeaders } from "./headers.ts";
import type { Kind } from "./kind.ts";

interface WebhookFormProps {
  /** Absent: a new one */
  readonly webhook?: Schemas["Webhook"];
  readonly onClose: () => void;
  readonly onCreated?: (webhook: AnswerOf<OperationOf<"post", "/api/v1/webhooks">>) => void;
}

const FIELDS = ["url", "description", "events", "headers"];

export function WebhookForm({ webhook, onClose, onCreated }: WebhookFormProps) {
  const [url, setUrl] = useState(webhook?.url ?? "");
  const [description, setDescription] = useState(webhook?.description ?? "");
  const [events, setEvents] = useState<Kind[]>(
    (webhook?.events as Kind[] | undefined) ?? ["batch.finished", "task.failed"],
  );
  const [headerText, setHeaderText] = useState("");
  const [removesHeaders, setRemovesHeaders] = useState(false);
  const parsed = parseHeaders(headerText);
  const areEventsMissing = events.length === 0;
  const form = useForm(
    async () => {
      if (parsed.error !== undefined || areEventsMissing) return false;
      const keepsHeaders = headerText.trim() === "" && !removesHeaders;
      const headers = keepsHeaders ? {} : { headers: removesHeaders ? {} : parsed.headers };
      const body = { url: url.trim(), description, events, ...headers };
      if (webhook) {
        await client.patch("/api/v1/webhooks/{webhook_id}", { path: { webhook_id: webhook.id }, body });
        showDone(words.saved);
      } else {
        onCreated?.(await client.post("/api/v1/webhooks", { body }));
      }
      void invalidate("/api/v1/webhooks");
      return true;
    },
    (isSaved) => {
      if (isSaved) onClose();
    },
  );
  const names = webhook?.header_names ?? [];
  return (
    <form onSubmit={form.onSubmit} noValidate>
      <Stack>
        <FormFailure error={form.error} fields={FIELDS} />
        <TextInput
          label={words.url}
          description={words.urlHint}
          type="url"
          placeholder="https://"
          required
          withAsterisk={false}
          data-autofocus
          value={url}
          error={fieldError(form.error, "url")}
          onChange={({ currentTarget }) => setUrl(currentTarget.value)}
        />
        <EventField
          value={events}
          onChange={setEvents}
          error={areEventsMissing ? words.eventsMissing : fieldError(form.error, "events")}
        />
        <TextInput
          label={words.note}
          description={words.noteHint}
          maxLength={500}
          value={description}
          error={fieldError(form.error, "description")}
          onChange={({ currentTarget }) => setDescription(currentTarget.value)}
        />
        <Textarea
          label={words.headers}
          description={names.length > 0 ? words.headersNow(names.join(", ")) : words.headersHint}
          autosize
          minRows={2}
          maxRows={10}
          spellCheck={false}
          autoComplete="off"
          disabled={removesHeaders}
          value={headerText}
          error={parsed.error ?? fieldError(form.error, "headers")}
          onChange={({ currentTarget }) => setHeaderText(currentTarget.value)}
        />
        {names.length > 0 && (
          <Checkbox
            label={words.removeHeaders}
            checked={removesHeaders}
            onChange={({ currentTarget }) => setRemovesHeaders(currentTarget.checked)}
          />
        )}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            {common.cancel}
          </Button>
          <Button type="submit" loading={form.isRunning}>
            {webhook ? common.save : words.create}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
