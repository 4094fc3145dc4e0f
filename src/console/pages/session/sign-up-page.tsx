import { Button, Group, PasswordInput, Stack, TextInput } from "@mantine/core";
import { getRouteApi, useRouter } from "@tanstack/react-router";
import { useState } from "react";
import { queryClient } from "../../api/queries.ts";
import { signUp } from "../../api/session.ts";
import { fieldError } from "../../parts/feedback.tsx";
import { FormFailure, useForm } from "../../parts/form.tsx";
import { LinkTo } from "../../parts/link.tsx";
import { sessionWords as words } from "../../words/session.ts";
import { Card, safePath } from "./card.tsx";

const route = getRouteApi("/sign-up");
const FIELDS = ["username", "password", "email"];

export function SignUpPage() {
  const { next } = route.useSearch();
  const router = useRouter();
  const [account, setAccount] = useState({ username: "", password: "", email: "" });
  const form = useForm(async () => {
    const { email, ...rest } = account;
    await signUp(email ? account : rest);
    queryClient.clear();
    router.history.push(safePath(next));
  });
  const field = (name: keyof typeof account) => ({
    value: account[name],
    error: fieldError(form.error, name),
    onChange: ({ currentTarget }: { currentTarget: HTMLInputElement }) =>
      setAccount({ ...account, [name]: currentTarget.value }),
  });
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
      <form onSubmit={form.onSubmit}>
        <Stack>
          <FormFailure error={form.error} fields={FIELDS} />
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
            <Button type="submit" loading={form.isRunning}>
              {words.signUp}
            </Button>
          </Group>
        </Stack>
      </form>
    </Card>
  );
}
