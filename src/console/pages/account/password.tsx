import { Box, Button, Checkbox, Group, PasswordInput, Stack } from "@mantine/core";
import { useState } from "react";
import { client } from "../../api/client.ts";
import { invalidate } from "../../api/queries.ts";
import { useCurrentUser } from "../../api/session.ts";
import { fieldError, showDone } from "../../parts/feedback.tsx";
import { FormFailure, useForm } from "../../parts/form.tsx";
import { passwordWords as words } from "../../words/account.ts";
import { Section } from "./section.tsx";

const EMPTY = { current_password: "", new_password: "", keep_api_tokens: false };

export function Password() {
  const { username } = useCurrentUser();
  const [body, setBody] = useState(EMPTY);
  const form = useForm(async () => {
    await client.post("/api/v1/auth/password", { body });
    setBody(EMPTY);
    showDone(words.done);
    await invalidate("/api/v1/auth");
  });
  const field = (name: "current_password" | "new_password") => ({
    value: body[name],
    required: true,
    withAsterisk: false,
    error: fieldError(form.error, name),
    onChange: ({ currentTarget }: { currentTarget: HTMLInputElement }) =>
      setBody({ ...body, [name]: currentTarget.value }),
  });
  return (
    <Section title={words.title} description={words.effect}>
      <Box className="panel" p="md" maw={480}>
        <form onSubmit={form.onSubmit}>
          <Stack>
            <FormFailure error={form.error} fields={["current_password", "new_password"]} />
            {/* Password managers ask for it. */}
            <input type="text" hidden autoComplete="username" value={username} readOnly />
            <PasswordInput
              label={words.current}
              autoComplete="current-password"
              {...field("current_password")}
            />
            <PasswordInput label={words.next} autoComplete="new-password" {...field("new_password")} />
            <Checkbox
              label={words.keepTokens}
              description={words.keepTokensHint}
              checked={body.keep_api_tokens}
              onChange={({ currentTarget }) => setBody({ ...body, keep_api_tokens: currentTarget.checked })}
            />
            <Group justify="flex-end">
              <Button type="submit" loading={form.isRunning}>
                {words.submit}
              </Button>
            </Group>
          </Stack>
        </form>
      </Box>
    </Section>
  );
}
