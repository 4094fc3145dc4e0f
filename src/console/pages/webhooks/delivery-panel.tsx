import { Alert, Box, Button, Group, Stack, Text, Title } from "@mantine/core";
import { IconRepeat } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import type { AnswerOf, OperationOf, Schemas } from "../../../client/operations.ts";
import { client } from "../../api/client.ts";
import { apiQuery, invalidate } from "../../api/queries.ts";
import { CopiedId } from "../../parts/copy.tsx";
import { Facts } from "../../parts/facts.tsx";
import { Failure, Loading, showDone } from "../../parts/feedback.tsx";
import { formatCount, formatDuration } from "../../parts/format.ts";
import { Moment } from "../../parts/moment.tsx";
import { SidePanel } from "../../parts/side-panel.tsx";
import { Snippet } from "../../parts/snippet.tsx";
import { StateBadge } from "../../parts/states.tsx";
import { useBusy } from "../../parts/use-busy.ts";
import { kindWords } from "../../words/kinds.ts";
import { deliveryWords as words } from "../../words/webhooks.ts";

type Delivery = AnswerOf<OperationOf<"get", "/api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}">>;
type Attempt = Delivery["attempt_log"][number];

interface DeliveryPanelProps {
  readonly webhook: Schemas["Webhook"];
  readonly id: string;
  readonly onClose: () => void;
}

export function DeliveryPanel({ webhook, id, onClose }: DeliveryPanelProps) {
  const path = { webhook_id: webhook.id, delivery_id: id };
  const { data, error } = useQuery(
    apiQuery("/api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}", { path }),
  );
  const title = data ? (kindWords[data.event] ?? data.event) : words.title;
  return (
    <SidePanel title={title} onClose={onClose} size={640}>
      {error ? <Failure error={error} /> : data ? <Details webhook={webhook} delivery={data} /> : <Loading />}
    </SidePanel>
  );
}

function Details({ webhook, delivery }: { webhook: Schemas["Webhook"]; delivery: Delivery }) {
  const { id, message_id, state, attempts, created_at, ended_at, next_attempt_at, error, body } = delivery;
  const [isBusy, run] = useBusy();
  const replay = async () => {
    const path = { webhook_id: webhook.id, delivery_id: id };
    await client.post("/api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/replay", { path });
    showDone(words.replayed);
    await invalidate("/api/v1/webhooks");
  };
  const headers = [
    ...webhook.header_names.map((name) => `${name}: ${words.hidden}`),
    "content-type: application/json",
    `webhook-id: ${message_id}`,
  ];
  return (
    <Stack>
      <Group justify="space-between">
        <StateBadge state={state} />
        {state !== "pending" && webhook.is_enabled && (
          <Button
            size="xs"
            variant={state === "failed" ? "filled" : "default"}
            leftSection={<IconRepeat size={14} aria-hidden />}
            loading={isBusy}
            onClick={() => run(replay)}
          >
            {words.replay}
          </Button>
        )}
      </Group>
      {error !== null && <Alert color="red">{error}</Alert>}
      <Facts
        facts={[
          [words.when, <Moment key="at" at={created_at} exact />],
          ...(ended_at === null ? [] : [[words.ended, <Moment key="end" at={ended_at} exact />] as const]),
          ...(next_attempt_at === null
            ? []
            : [[words.next, <Moment key="next" at={next_attempt_at} />] as const]),
          [words.attempts, formatCount(attempts)],
          [words.message, <CopiedId key={words.message} id={message_id} label={words.message} />],
          [words.delivery, <CopiedId key={words.delivery} id={id} label={words.delivery} />],
        ]}
      />
      <Stack gap="xs">
        <Title order={3} size="h2">
          {words.log}
        </Title>
        {delivery.attempt_log.length === 0 ? (
          <Text size="sm" c="dimmed">
            {words.noAttempts}
          </Text>
        ) : (
          delivery.attempt_log.map((attempt) => <AttemptLine key={attempt.number} {...attempt} />)
        )}
      </Stack>
      <Part title={words.requestHeaders} text={headers.join("\n")} />
      <Part title={words.body} text={pretty(body)} />
    </Stack>
  );
}

function AttemptLine({ number, started_at, ms, status, error, answer }: Attempt) {
  const outcome = status === null ? (ms === null ? words.running : words.noAnswer) : words.status(status);
  return (
    <Box className="panel" p="sm">
      <Group justify="space-between" gap="xs">
        <Text size="sm" fw={550}>
          {words.attempt(formatCount(number))} · {outcome}
        </Text>
        <Text size="xs" c="dimmed">
          <Moment at={started_at} />
          {ms !== null && ` · ${formatDuration(ms / 1000)}`}
        </Text>
      </Group>
      {error !== null && (
        <Text size="sm" c="red" mt={4}>
          {error}
        </Text>
      )}
      {answer && (
        <Box mt="xs">
          <Snippet label={words.answer} text={answer} />
        </Box>
      )}
    </Box>
  );
}

function Part({ title, text }: { title: string; text: string }) {
  return (
    <Stack gap="xs">
      <Title order={3} size="h2">
        {title}
      </Title>
      <Snippet label={title} text={text} />
    </Stack>
  );
}

/** The body is one line of JSON. */
function pretty(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}
