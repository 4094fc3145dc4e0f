import { Button, Text } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import type { AnswerOf, OperationOf, Schemas } from "../../../client/operations.ts";
import { useApiList } from "../../api/queries.ts";
import { type Column, DataTable } from "../../parts/data-table.tsx";
import { Empty } from "../../parts/feedback.tsx";
import { LinkTo } from "../../parts/link.tsx";
import { Moment } from "../../parts/moment.tsx";
import { Page } from "../../parts/page.tsx";
import { Secret } from "../../parts/secret.tsx";
import { SidePanel } from "../../parts/side-panel.tsx";
import { kindWords } from "../../words/kinds.ts";
import { webhookWords as words } from "../../words/webhooks.ts";
import { HealthBadge } from "./health-badge.tsx";
import { Verify } from "./verify.tsx";
import { WebhookForm } from "./webhook-form.tsx";

type Webhook = Schemas["Webhook"];

const route = getRouteApi("/signed-in/webhooks");

export function WebhooksPage() {
  const { add } = route.useSearch();
  const navigate = route.useNavigate();
  const list = useApiList("/api/v1/webhooks");
  const [created, setCreated] = useState<AnswerOf<OperationOf<"post", "/api/v1/webhooks">> | null>(null);
  const close = () => void navigate({ search: {} });
  const addButton = (
    <Button
      leftSection={<IconPlus size={16} aria-hidden />}
      onClick={() => void navigate({ search: { add: true } })}
    >
      {words.create}
    </Button>
  );
  return (
    <Page
      title={words.title}
      description={words.description}
      actions={list.items.length > 0 ? addButton : null}
    >
      <DataTable
        label={words.title}
        list={list}
        columns={columns}
        idOf={({ id }) => id}
        onOpen={({ id }) => void navigate({ to: "/webhooks/$id", params: { id } })}
        empty={<Empty title={words.empty} hint={words.emptyHint} action={addButton} />}
      />
      {add && (
        <SidePanel title={words.create} onClose={close} isForm>
          <WebhookForm onClose={close} onCreated={setCreated} />
        </SidePanel>
      )}
      {created && (
        <Secret
          title={words.createdTitle}
          label={words.secret}
          secret={created.secret}
          onClose={() => {
            setCreated(null);
            void navigate({ to: "/webhooks/$id", params: { id: created.id } });
          }}
        >
          <Verify />
        </Secret>
      )}
    </Page>
  );
}

const columns: readonly Column<Webhook>[] = [
  {
    name: words.url,
    isTitle: true,
    cell: ({ id, url, description }) => (
      <div style={{ minWidth: 0 }}>
        <LinkTo
          size="sm"
          to="/webhooks/$id"
          params={{ id }}
          title={url}
          style={{ overflowWrap: "anywhere", whiteSpace: "normal" }}
        >
          {url}
        </LinkTo>
        {description && (
          <Text size="xs" c="dimmed" truncate title={description}>
            {description}
          </Text>
        )}
      </div>
    ),
  },
  {
    name: words.health,
    cell: (webhook) => <HealthBadge webhook={webhook} />,
  },
  {
    name: words.events,
    cell: ({ events }) => {
      const names = events.map((kind) => kindWords[kind] ?? kind).join(", ");
      return (
        <Text size="sm" truncate maw={260} title={names}>
          {names}
        </Text>
      );
    },
  },
  { name: words.lastSuccess, cell: ({ last_success_at }) => <Moment at={last_success_at} /> },
  { name: words.created, cell: ({ created_at }) => <Moment at={created_at} /> },
];
