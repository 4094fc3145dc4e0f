import { Alert, Button, Group, PasswordInput, Stack, TextInput } from "@mantine/core";
import { getRouteApi, useRouter } from "@tanstack/react-router";
import { useState } from "react";
import { queryClient } from "../../api/queries.ts";
import { signIn } from "../../api/session.ts";
import { messageOf } from "../../parts/feedback.tsx";
import { LinkTo } from "../../parts/link.tsx";
import { sessionWords as words } from "../../words/session.ts";
import { Card, safePath } from "./card.tsx";

const route = getRouteApi("/sign-in");

export function SignInPage() {
  const { next } = route.useSearch();
  const router = useRouter();
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const [error, setError] = useState<unknown>(null);
  const [isRunning, setRunning] = useState(false);
  const submit = async () => {
    setRunning(true);
    try {
      await signIn(username, password);
      queryClient.clear();
      router.history.push(safePath(next));
    } catch (cause) {
      setError(cause);
    } finally {
      setRunning(false);
    }
  };
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
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <Stack>
          {error !== null && (
            <Alert color="red" role="alert">
              {messageOf(error)}
            </Alert>
          )}
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
            <Button type="submit" loading={isRunning}>
              {words.signIn}
            </Button>
          </Group>
        </Stack>
      </form>
    </Card>
  );
}
