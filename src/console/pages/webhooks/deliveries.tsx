import { Button, Group, NativeSelect, Stack, Text, Title } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import type { ItemOf, OperationOf, Schemas } from "../../../client/operations.ts";
import { invalidate, useApiList } from "../../api/queries.ts";
import { type Column, DataTable } from "../../parts/data-table.tsx";
import { Empty } from "../../parts/feedback.tsx";
import { formatCount } from "../../parts/format.ts";
import { LinkTo } from "../../parts/link.tsx";
import { Moment } from "../../parts/moment.tsx";
import { StateBadge } from "../../parts/states.tsx";
import { Toolbar } from "../../parts/toolbar.tsx";
import { useEvery } from "../../parts/use-every.ts";
import { kindWords } from "../../words/kinds.ts";
import { deliveryWords as words } from "../../words/webhooks.ts";
import { ReplayFailed } from "./replay-failed.tsx";
import { DELIVERY_STATES } from "./states.ts";

type Delivery = ItemOf<OperationOf<"get", "/api/v1/webhooks/{webhook_id}/deliveries">>;

const EVERY_SECONDS = 5;
/** A longer list is not read again without a click. */
const MAX_POLLED = 100;
const route = getRouteApi("/signed-in/webhooks/$id");

interface DeliveriesProps {
  readonly webhook: Schemas["Webhook"];
  readonly onOpen: (id: string) => void;
}

export function Deliveries({ webhook, onOpen }: DeliveriesProps) {
  const { state } = route.useSearch();
  const navigate = route.useNavigate();
  const list = useApiList("/api/v1/webhooks/{webhook_id}/deliveries", {
    path: { webhook_id: webhook.id },
    query: state ? { state } : {},
  });
  const [isReplaying, setReplaying] = useState(false);
  useEvery(EVERY_SECONDS, () => {
    if (list.items.length <= MAX_POLLED) void invalidate("/api/v1/webhooks");
  });
  return (
    <Stack gap="md">
      <Group justify="space-between" gap="xs">
        <Title order={2}>{words.title}</Title>
        {webhook.is_enabled && list.items.some((delivery) => delivery.state === "failed") && (
          <Button variant="default" size="xs" onClick={() => setReplaying(true)}>
            {words.replayFailed}
          </Button>
        )}
      </Group>
      <Toolbar
        updatedAt={list.updatedAt}
        onRefresh={list.refetch}
        onClear={state ? () => void navigate({ search: {} }) : undefined}
      >
        <NativeSelect
          size="xs"
          aria-label={words.state}
          value={state ?? ""}
          onChange={({ currentTarget }) => {
            const chosen = DELIVERY_STATES.find((known) => known === currentTarget.value);
            void navigate({ search: chosen ? { state: chosen } : {} });
          }}
          data={[
            { value: "", label: words.anyState },
            ...DELIVERY_STATES.map((value) => ({ value, label: words.states[value] })),
          ]}
        />
      </Toolbar>
      <DataTable
        label={words.title}
        list={list}
        columns={columns}
        idOf={({ id }) => id}
        onOpen={({ id }) => onOpen(id)}
        empty={
          state ? (
            <Empty title={words.emptyFilter} hint={words.emptyFilterHint} />
          ) : (
            <Empty title={words.empty} hint={words.emptyHint} />
          )
        }
      />
      {isReplaying && <ReplayFailed webhookId={webhook.id} onClose={() => setReplaying(false)} />}
    </Stack>
  );
}

const columns: readonly Column<Delivery>[] = [
  {
    name: words.event,
    isTitle: true,
    cell: ({ id, event }) => (
      <LinkTo
        size="sm"
        from="/webhooks/$id"
        to="/webhooks/$id"
        params={true}
        search={(before) => ({ ...before, delivery: id })}
      >
        {kindWords[event] ?? event}
      </LinkTo>
    ),
  },
  { name: words.state, cell: ({ state }) => <StateBadge state={state} /> },
  { name: words.attempts, isNumber: true, cell: ({ attempts }) => formatCount(attempts) },
  { name: words.when, cell: ({ created_at }) => <Moment at={created_at} /> },
  { name: words.next, cell: ({ next_attempt_at }) => <Moment at={next_attempt_at} /> },
  {
    name: words.problem,
    cell: ({ error }) =>
      error && (
        <Text size="sm" truncate title={error} maw={320}>
          {error}
        </Text>
      ),
  },
];
