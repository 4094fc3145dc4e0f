import { Button, Checkbox, Group, PasswordInput, Stack, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";
import { client } from "../../../api/client.ts";
import { invalidate } from "../../../api/queries.ts";
import { Dialog } from "../../../parts/dialog.tsx";
import { fieldError, showDone } from "../../../parts/feedback.tsx";
import { FormFailure, useForm } from "../../../parts/form.tsx";
import { secretWords as words } from "../../../words/admin-service.ts";
import { words as commonWords } from "../../../words/common.ts";

interface SecretDialogProps {
  /** null: a new one. */
  readonly secret: {
    readonly name: string;
    readonly hosts: readonly string[];
    readonly is_shared: boolean;
  } | null;
  readonly onClose: () => void;
}

export function SecretDialog({ secret, onClose }: SecretDialogProps) {
  const [name, setName] = useState(secret?.name ?? "");
  const [value, setValue] = useState("");
  const [hosts, setHosts] = useState(secret?.hosts.join("\n") ?? "");
  const [isShared, setShared] = useState(secret?.is_shared ?? false);
  const form = useForm(async () => {
    const listed = hosts.split(/[\s,]+/).filter((host) => host !== "");
    const body = { value, hosts: listed, is_shared: isShared };
    await client.put("/api/v1/admin/secrets/{name}", { path: { name }, body });
    await invalidate("/api/v1/admin/secrets");
    showDone(words.saved(name));
  }, onClose);
  return (
    <Dialog onClose={onClose} title={secret ? words.replaceTitle(secret.name) : words.create}>
      <form onSubmit={form.onSubmit}>
        <Stack gap="sm">
          <FormFailure error={form.error} fields={["name", "value", "hosts"]} />
          {!secret && (
            <TextInput
              label={words.name}
              description={words.nameHint}
              ff="monospace"
              maxLength={64}
              autoComplete="off"
              required
              withAsterisk={false}
              data-autofocus
              value={name}
              error={fieldError(form.error, "name")}
              onChange={({ currentTarget }) => setName(currentTarget.value)}
            />
          )}
          <PasswordInput
            label={words.value}
            description={secret ? words.replaceHint : words.valueHint}
            maxLength={4096}
            // Otherwise browsers offer to store it as a password of this site.
            autoComplete="new-password"
            required
            withAsterisk={false}
            {...(secret ? { "data-autofocus": true } : {})}
            value={value}
            error={fieldError(form.error, "value")}
            onChange={({ currentTarget }) => setValue(currentTarget.value)}
          />
          <Textarea
            label={words.hosts}
            description={words.hostsHint}
            autosize
            minRows={1}
            value={hosts}
            placeholder="api.example.com"
            error={fieldError(form.error, "hosts")}
            onChange={({ currentTarget }) => setHosts(currentTarget.value)}
          />
          <Checkbox
            label={words.shared}
            description={words.sharedHint}
            checked={isShared}
            onChange={({ currentTarget }) => setShared(currentTarget.checked)}
          />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              {commonWords.cancel}
            </Button>
            <Button type="submit" loading={form.isRunning}>
              {words.save}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
