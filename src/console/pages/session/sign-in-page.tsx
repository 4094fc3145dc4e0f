import { Button, Group, PasswordInput, Stack, TextInput } from "@mantine/core";
import { getRouteApi, useRouter } from "@tanstack/react-router";
import { useState } from "react";
import { queryClient } from "../../api/queries.ts";
import { signIn } from "../../api/session.ts";
import { FormFailure, useForm } from "../../parts/form.tsx";
import { LinkTo } from "../../parts/link.tsx";
import { sessionWords as words } from "../../words/session.ts";
import { Card, safePath } from "./card.tsx";

const route = getRouteApi("/sign-in");

export function SignInPage() {
  const { next } = route.useSearch();
  const router = useRouter();
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const form = useForm(async () => {
    await signIn(username, password);
    queryClient.clear();
    router.history.push(safePath(next));
  });
  return (
    <Card
      title={words.signIn}
      below={
        <>
          {words.newHere}{" "}
          <LinkTo to="/sign-up" search={next ? { next } : {}}>
            {words.signUp}
          </LinkTo>
        </>
      }
    >
      <form onSubmit={form.onSubmit}>
        <Stack>
          <FormFailure error={form.error} />
          <TextInput
            label={words.username}
            autoComplete="username"
            autoCapitalize="none"
            autoFocus
            required
            withAsterisk={false}
            value={username}
            onChange={({ currentTarget }) => setUsername(currentTarget.value)}
          />
          <PasswordInput
            label={words.password}
            autoComplete="current-password"
            required
            withAsterisk={false}
            value={password}
            onChange={({ currentTarget }) => setPassword(currentTarget.value)}
          />
          <Group justify="space-between">
            <LinkTo to="/forgot-password" size="sm">
              {words.forgot}
            </LinkTo>
            <Button type="submit" loading={form.isRunning}>
              {words.signIn}
            </Button>
          </Group>
        </Stack>
      </form>
    </Card>
  );
}
