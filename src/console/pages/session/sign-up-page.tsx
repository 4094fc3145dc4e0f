import { Alert, Button, Group, PasswordInput, Stack, TextInput } from "@mantine/core";
import { getRouteApi, useRouter } from "@tanstack/react-router";
import { useState } from "react";
import { queryClient } from "../../api/queries.ts";
import { signUp } from "../../api/session.ts";
import { fieldError, messageOf } from "../../parts/feedback.tsx";
import { LinkTo } from "../../parts/link.tsx";
import { sessionWords as words } from "../../words/session.ts";
import { Card, safePath } from "./card.tsx";

const route = getRouteApi("/sign-up");
const FIELDS = ["username", "password", "email"];

export function SignUpPage() {
  const { next } = route.useSearch();
  const router = useRouter();
  const [account, setAccount] = useState({ username: "", password: "", email: "" });
  const [error, setError] = useState<unknown>(null);
  const [isRunning, setRunning] = useState(false);
  const field = (name: keyof typeof account) => ({
    value: account[name],
    error: fieldError(error, name),
    onChange: ({ currentTarget }: { currentTarget: HTMLInputElement }) =>
      setAccount({ ...account, [name]: currentTarget.value }),
  });
  const submit = async () => {
    setRunning(true);
    try {
      const { email, ...rest } = account;
      await signUp(email ? account : rest);
      queryClient.clear();
      router.history.push(safePath(next));
    } catch (cause) {
      setError(cause);
    } finally {
      setRunning(false);
    }
  };
  const isAboutField = FIELDS.some((name) => fieldError(error, name));
  return (
    <Card
      title={words.signUp}
      below={
        <>
          {words.haveAccount}{" "}
          <LinkTo to="/sign-in" search={next ? { next } : {}}>
            {words.signIn}
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
          {error !== null && !isAboutField && (
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
            {...field("username")}
          />
          <PasswordInput
            label={words.password}
            autoComplete="new-password"
            required
            withAsterisk={false}
            {...field("password")}
          />
          <TextInput
            label={words.email}
            description={words.emailHint}
            type="email"
            autoComplete="email"
            {...field("email")}
          />
          <Group justify="flex-end">
            <Button type="submit" loading={isRunning}>
              {words.signUp}
            </Button>
          </Group>
        </Stack>
      </form>
    </Card>
  );
}
