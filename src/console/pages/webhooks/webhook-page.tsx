import { Alert, Box, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import type { Schemas } from "../../../client/operations.ts";
import { apiQuery } from "../../api/queries.ts";
import { Facts } from "../../parts/facts.tsx";
import { Failure, Loading } from "../../parts/feedback.tsx";
import { formatCount } from "../../parts/format.ts";
import { Moment } from "../../parts/moment.tsx";
import { Page } from "../../parts/page.tsx";
import { Secret } from "../../parts/secret.tsx";
import { SidePanel } from "../../parts/side-panel.tsx";
import { useMoveOn } from "../../parts/use-move-on.ts";
import { kindWords } from "../../words/kinds.ts";
import { webhookWords as words } from "../../words/webhooks.ts";
import { WebhookActions } from "./actions.tsx";
import { Deliveries } from "./deliveries.tsx";
import { DeliveryPanel } from "./delivery-panel.tsx";
import { HealthBadge } from "./health-badge.tsx";
import { Verify } from "./verify.tsx";
import { WebhookForm } from "./webhook-form.tsx";

type Webhook = Schemas["Webhook"];

const PARENT = { to: "/webhooks", name: words.title };
const route = getRouteApi("/signed-in/webhooks/$id");

export function WebhookPage() {
  const { id } = route.useParams();
  const { edit, delivery } = route.useSearch();
  const navigate = route.useNavigate();
  const moveOn = useMoveOn();
  const found = useQuery(apiQuery("/api/v1/webhooks/{webhook_id}", { path: { webhook_id: id } }));
  const [secret, setSecret] = useState<string | null>(null);
  const show = (chosen: { edit?: true; delivery?: string }) =>
    void navigate({ search: ({ edit: _, delivery: __, ...rest }) => ({ ...rest, ...chosen }) });
  const webhook = found.data;
  if (!webhook)
    return (
      <Page title={words.title} parent={PARENT}>
        {found.error ? <Failure error={found.error} onRetry={() => void found.refetch()} /> : <Loading />}
      </Page>
    );
  return (
    <Page
      title={webhook.url}
      description={webhook.description}
      badge={<HealthBadge webhook={webhook} />}
      parent={PARENT}
      actions={
        <WebhookActions
          webhook={webhook}
          onEdit={() => show({ edit: true })}
          onSecret={setSecret}
          onTested={(deliveryId) => show({ delivery: deliveryId })}
          onDeleted={() => moveOn({ to: "/webhooks" })}
        />
      }
    >
      <Problem webhook={webhook} />
      <Box className="panel" p="md">
        <Facts facts={factsOf(webhook)} />
      </Box>
      <Deliveries webhook={webhook} onOpen={(deliveryId) => show({ delivery: deliveryId })} />
      <Verify />
      {edit && (
        <SidePanel title={words.edit} onClose={() => show({})} isForm>
          <WebhookForm webhook={webhook} onClose={() => show({})} />
        </SidePanel>
      )}
      {delivery && <DeliveryPanel key={delivery} webhook={webhook} id={delivery} onClose={() => show({})} />}
      {secret !== null && (
        <Secret
          title={words.rotatedTitle}
          label={words.secret}
          secret={secret}
          onClose={() => setSecret(null)}
        >
          <Text size="sm">{words.rotatedHint}</Text>
        </Secret>
      )}
    </Page>
  );
}

/** Says why messages do not arrive. */
function Problem({ webhook }: { readonly webhook: Webhook }) {
  const { disabled_reason, is_throttled, failures } = webhook;
  const lines = [
    disabled_reason === null ? null : words.disabledReasons[disabled_reason],
    is_throttled ? words.throttled : null,
    failures > 0 ? words.failures(formatCount(failures)) : null,
  ].filter((line) => line !== null);
  if (lines.length === 0) return null;
  return (
    <Alert color={disabled_reason === "user" ? "gray" : "red"}>
      <Stack gap={4}>
        {lines.map((line) => (
          <Text key={line} size="sm">
            {line}
          </Text>
        ))}
      </Stack>
    </Alert>
  );
}

function factsOf(webhook: Webhook): readonly (readonly [string, ReactNode])[] {
  const moment = (name: string, at: string | null) =>
    at === null ? [] : [[name, <Moment key={name} at={at} />] as const];
  const { events, header_names } = webhook;
  return [
    [words.events, events.map((kind) => kindWords[kind] ?? kind).join(", ")],
    ...(header_names.length > 0 ? [[words.headers, header_names.join(", ")] as const] : []),
    ...moment(words.lastSuccess, webhook.last_success_at),
    ...moment(words.failingSince, webhook.failing_since),
    ...moment(words.heldUntil, webhook.held_until),
    ...moment(words.previousSecret, webhook.previous_secret_until),
    ...moment(words.created, webhook.created_at),
    ...(webhook.updated_at === webhook.created_at ? [] : moment(words.changed, webhook.updated_at)),
  ];
}
