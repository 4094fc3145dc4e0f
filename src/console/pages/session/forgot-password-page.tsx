import { Button, Group, Stack, Text, TextInput } from "@mantine/core";
import { useState } from "react";
import { client } from "../../api/client.ts";
import { FormFailure, useForm } from "../../parts/form.tsx";
import { LinkTo } from "../../parts/link.tsx";
import { sessionWords as words } from "../../words/session.ts";
import { Card } from "./card.tsx";

export function ForgotPasswordPage() {
  const [name, setName] = useState("");
  const [message, setMessage] = useState<string | null>(null);
  const form = useForm(async () => {
    const body = name.includes("@") ? { email: name.trim() } : { username: name.trim() };
    setMessage((await client.post("/api/v1/auth/password-reset", { body })).message);
  });
  return (
    <Card
      title={message === null ? words.forgotTitle : words.linkSent}
      below={<LinkTo to="/sign-in">{words.backToSignIn}</LinkTo>}
    >
      {message === null ? (
        <form onSubmit={form.onSubmit}>
          <Stack>
            <Text size="sm">{words.forgotHint}</Text>
            <FormFailure error={form.error} />
            <TextInput
              label={words.usernameOrEmail}
              autoComplete="username"
              autoCapitalize="none"
              autoFocus
              required
              withAsterisk={false}
              value={name}
              onChange={({ currentTarget }) => setName(currentTarget.value)}
            />
            <Group justify="flex-end">
              <Button type="submit" loading={form.isRunning}>
                {words.sendLink}
              </Button>
            </Group>
          </Stack>
        </form>
      ) : (
        <Stack role="status">
          <Text size="sm">{message}</Text>
          <Text size="sm" c="dimmed">
            {words.noMail}
          </Text>
        </Stack>
      )}
    </Card>
  );
}
