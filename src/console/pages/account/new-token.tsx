import { Button, Group, NativeSelect, Stack, TextInput } from "@mantine/core";
import { useState } from "react";
import type { AnswerOf, OperationOf } from "../../../client/operations.ts";
import { client } from "../../api/client.ts";
import { Dialog } from "../../parts/dialog.tsx";
import { fieldError } from "../../parts/feedback.tsx";
import { FormFailure, useForm } from "../../parts/form.tsx";
import { tokenWords as words } from "../../words/account.ts";
import { words as common } from "../../words/common.ts";

interface NewTokenProps {
  readonly onClose: () => void;
  readonly onCreated: (token: AnswerOf<OperationOf<"post", "/api/v1/auth/tokens">>) => void;
}

export function NewToken({ onClose, onCreated }: NewTokenProps) {
  const [name, setName] = useState("");
  const [days, setDays] = useState("90");
  const form = useForm(async () => {
    const expiry = days === "never" ? {} : { expires_in_days: Number(days) };
    onCreated(await client.post("/api/v1/auth/tokens", { body: { name, ...expiry } }));
  }, onClose);
  return (
    <Dialog onClose={onClose} title={words.create}>
      <form onSubmit={form.onSubmit}>
        <Stack>
          <FormFailure error={form.error} fields={["name"]} />
          <TextInput
            label={words.name}
            description={words.nameHint}
            maxLength={100}
            autoComplete="off"
            required
            withAsterisk={false}
            data-autofocus
            value={name}
            error={fieldError(form.error, "name")}
            onChange={({ currentTarget }) => setName(currentTarget.value)}
          />
          <NativeSelect
            label={words.expiry}
            description={days === "never" ? words.neverHint : undefined}
            value={days}
            onChange={({ currentTarget }) => setDays(currentTarget.value)}
            data={Object.entries(words.expiries).map(([value, label]) => ({ value, label }))}
          />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              {common.cancel}
            </Button>
            <Button type="submit" loading={form.isRunning}>
              {words.create}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
