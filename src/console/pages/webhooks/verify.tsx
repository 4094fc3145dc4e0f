import { Anchor, Stack, Text, Title } from "@mantine/core";
import { Snippet } from "../../parts/snippet.tsx";
import { webhookWords as words } from "../../words/webhooks.ts";

const LIBRARIES = "https://www.standardwebhooks.com";

const EXAMPLE = `import { Webhook } from "standardwebhooks";

const webhook = new Webhook(secret); // It begins with whsec_
// body: the bytes of the request, before any parser. Throws if the signature is wrong.
const { type, data } = webhook.verify(body, request.headers);`;

/** How a receiver checks the signature. */
export function Verify() {
  return (
    <Stack gap="xs">
      <Title order={2}>{words.verify}</Title>
      <Text size="sm" c="dimmed">
        {words.verifyHint}
      </Text>
      <Snippet label={words.verify} text={EXAMPLE} />
      <Anchor href={LIBRARIES} target="_blank" rel="noreferrer" size="sm" w="fit-content">
        {words.libraries}
      </Anchor>
    </Stack>
  );
}
