import { Button, Group, PasswordInput, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { queryClient } from "../api/queries.ts";
import { signIn } from "../api/session.ts";
import { Dialog } from "../parts/dialog.tsx";
import { messageOf } from "../parts/feedback.tsx";
import { useForm } from "../parts/form.tsx";
import { sessionWords as words } from "../words/session.ts";

interface SessionEndedProps {
  readonly username: string;
  readonly onClose: () => void;
}

/** Asks for the password when the session has ended, so that unsaved changes of the page are kept. */
export function SessionEnded({ username, onClose }: SessionEndedProps) {
  const [password, setPassword] = useState("");
  const form = useForm(async () => {
    await signIn(username, password);
    onClose();
    void queryClient.invalidateQueries();
  });
  return (
    <Dialog onClose={() => undefined} withCloseButton={false} closeOnClickOutside={false} title={words.ended}>
      <form onSubmit={form.onSubmit}>
        <Stack>
          <Text size="sm">{words.endedHint(username)}</Text>
          <input type="hidden" autoComplete="username" value={username} readOnly />
          <PasswordInput
            label={words.password}
            autoComplete="current-password"
            data-autofocus
            value={password}
            error={form.error === null ? undefined : messageOf(form.error)}
            onChange={({ currentTarget }) => setPassword(currentTarget.value)}
          />
          <Group justify="space-between">
            <Button variant="subtle" onClick={() => location.assign("/sign-in")}>
              {words.otherUser}
            </Button>
            <Button type="submit" loading={form.isRunning}>
              {words.signIn}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
