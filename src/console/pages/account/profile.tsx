import { Alert, Badge, Box, Button, Group, Stack, Text } from "@mantine/core";
import { IconMailX } from "@tabler/icons-react";
import { client } from "../../api/client.ts";
import { useCurrentUser } from "../../api/session.ts";
import { Facts } from "../../parts/facts.tsx";
import { showDone } from "../../parts/feedback.tsx";
import { FormFailure, useForm } from "../../parts/form.tsx";
import { profileWords as words } from "../../words/account.ts";
import { Section } from "./section.tsx";
import { Usage } from "./usage.tsx";

export function Profile() {
  const user = useCurrentUser();
  const name = `${user.first_name} ${user.last_name}`.trim();
  return (
    <>
      <Section title={words.title} description={words.change}>
        <Box className="panel" p="md">
          <Facts
            facts={[
              [words.username, user.username],
              ...(name ? [[words.name, name] as const] : []),
              [words.role, user.role],
              [words.email, <Email key="email" />],
            ]}
          />
        </Box>
      </Section>
      <Usage />
    </>
  );
}

function Email() {
  const { email, email_confirmed, email_refusal } = useCurrentUser();
  const sending = useForm(async () => {
    await client.post("/api/v1/auth/email-confirmation");
    showDone(words.sent);
  });
  if (email === "") return words.noEmail;
  return (
    <Stack gap="xs" align="flex-start">
      <Group gap="xs">
        <Text size="sm" style={{ overflowWrap: "anywhere" }}>
          {email}
        </Text>
        <Badge variant="light" radius="sm" tt="none" color={email_confirmed ? "green" : "orange"}>
          {email_confirmed ? words.confirmed : words.unconfirmed}
        </Badge>
      </Group>
      {!email_confirmed && (
        <>
          <Text size="sm" c="dimmed">
            {words.unconfirmedHint}
          </Text>
          <FormFailure error={sending.error} />
          <Button
            size="xs"
            variant="default"
            loading={sending.isRunning}
            onClick={() => void sending.submit()}
          >
            {words.sendAgain}
          </Button>
        </>
      )}
      {email_refusal !== null && (
        <Alert color="red" icon={<IconMailX aria-hidden />} title={words.refused}>
          <Text size="sm">{words.refusedHint(email_refusal)}</Text>
          <Text size="sm">{words.refusedNext}</Text>
        </Alert>
      )}
    </Stack>
  );
}
