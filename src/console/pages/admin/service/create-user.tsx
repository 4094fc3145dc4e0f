import { Button, Group, PasswordInput, Select, Stack, TextInput } from "@mantine/core";
import { useState } from "react";
import { client } from "../../../api/client.ts";
import { invalidate } from "../../../api/queries.ts";
import { Dialog } from "../../../parts/dialog.tsx";
import { fieldError, showDone } from "../../../parts/feedback.tsx";
import { FormFailure, useForm } from "../../../parts/form.tsx";
import { userWords as words } from "../../../words/admin-service.ts";
import { words as commonWords } from "../../../words/common.ts";
import { ROLES } from "../shared/search-shapes.ts";

interface CreateUserProps {
  readonly onClose: () => void;
  readonly onCreated: (id: number) => void;
}

const FIELDS = ["username", "email", "password"] as const;

export function CreateUser({ onClose, onCreated }: CreateUserProps) {
  const [draft, setDraft] = useState({ username: "", email: "", password: "" });
  const [role, setRole] = useState<(typeof ROLES)[number]>("user");
  const form = useForm(
    async () => {
      const { username, email, password } = draft;
      const body = { username, role, ...(email ? { email } : {}), ...(password ? { password } : {}) };
      const { id } = await client.post("/api/v1/accounts", { body });
      await invalidate("/api/v1/accounts");
      showDone(words.createdUser(username));
      return id;
    },
    (id) => {
      onClose();
      onCreated(id);
    },
  );
  const field = (name: (typeof FIELDS)[number]) => ({
    value: draft[name],
    error: fieldError(form.error, name),
    onChange: ({ currentTarget }: { currentTarget: HTMLInputElement }) =>
      setDraft({ ...draft, [name]: currentTarget.value }),
  });
  return (
    <Dialog onClose={onClose} title={words.create}>
      <form onSubmit={form.onSubmit}>
        <Stack gap="sm">
          <FormFailure error={form.error} fields={FIELDS} />
          <TextInput
            label={words.username}
            autoComplete="off"
            autoCapitalize="none"
            required
            withAsterisk={false}
            data-autofocus
            {...field("username")}
          />
          <TextInput
            label={words.email}
            description={words.createHint}
            type="email"
            autoComplete="off"
            {...field("email")}
          />
          <PasswordInput
            label={words.password}
            description={words.passwordHint}
            autoComplete="new-password"
            {...field("password")}
          />
          <Select
            label={words.role}
            description={words.roleHints[role]}
            data={ROLES.map((value) => ({ value, label: words.roles[value] }))}
            value={role}
            allowDeselect={false}
            onChange={(value) => setRole(ROLES.find((known) => known === value) ?? "user")}
          />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              {commonWords.cancel}
            </Button>
            <Button type="submit" loading={form.isRunning}>
              {words.createNow}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
