import { Stack, Text } from "@mantine/core";
import type { ItemOf, OperationOf } from "../../../../client/operations.ts";
import { useApiList } from "../../../api/queries.ts";
import { type Column, DataTable } from "../../../parts/data-table.tsx";
import { Empty } from "../../../parts/feedback.tsx";
import { formatCompact, formatCount } from "../../../parts/format.ts";
import { Moment } from "../../../parts/moment.tsx";
import { Page } from "../../../parts/page.tsx";
import { StateBadge } from "../../../parts/states.tsx";
import { Toolbar } from "../../../parts/toolbar.tsx";
import { useEvery } from "../../../parts/use-every.ts";
import { workerWords as words } from "../../../words/admin-overview.ts";
import { queueWords } from "../../../words/queues.ts";
import { QUEUES } from "../shared/search-shapes.ts";
import { Limits } from "./limits.tsx";
import { RunningJobs } from "./running-jobs.tsx";
import { ShutDown } from "./shut-down.tsx";

type Worker = ItemOf<OperationOf<"get", "/api/v1/admin/workers">>;

const EVERY_SECONDS = 5;

const columns: readonly Column<Worker>[] = [
  {
    name: words.worker,
    isTitle: true,
    cell: ({ id, host, pid, version }) => (
      <Stack gap={0} align="flex-start" title={id}>
        <Text span size="sm" fw={550}>
          {host}
        </Text>
        <Text span size="xs" c="dimmed">
          {words.process(String(pid), version)}
        </Text>
      </Stack>
    ),
  },
  {
    name: words.state,
    cell: ({ state, last_seen_at }) => (
      <Stack gap={2} align="flex-start">
        <StateBadge state={state} />
        <Text span size="xs" c="dimmed">
          {words.seen} <Moment at={last_seen_at} />
        </Text>
      </Stack>
    ),
  },
  { name: words.doing, cell: ({ running }) => <RunningJobs jobs={running} /> },
  {
    name: words.queues,
    cell: ({ queues }) => (
      <Text span size="xs" style={{ whiteSpace: "normal", display: "inline-block" }} miw={110}>
        {QUEUES.filter((name) => queues[name] !== undefined)
          .map((name) => `${queueWords[name]} ${formatCount(queues[name] ?? 0)}`)
          .join(", ")}
      </Text>
    ),
  },
  { name: words.work, cell: ({ stats }) => <Work stats={stats} /> },
  { name: words.since, cell: ({ started_at }) => <Moment at={started_at} /> },
  { name: words.actions, cell: (worker) => <ShutDown worker={worker} /> },
];

export function WorkersPage() {
  const list = useApiList("/api/v1/admin/workers");
  useEvery(EVERY_SECONDS, list.refetch);
  return (
    <Page title={words.title} description={words.description}>
      <Toolbar updatedAt={list.updatedAt} onRefresh={list.refetch} />
      <DataTable
        label={words.title}
        list={list}
        columns={columns}
        idOf={({ id }) => id}
        empty={<Empty title={words.empty} hint={words.emptyHint} />}
      />
      <Limits />
    </Page>
  );
}

function Work({ stats }: Pick<Worker, "stats">) {
  if (!stats) return <span aria-hidden>–</span>;
  const sum = (field: "completed" | "failed") => stats.tasks.reduce((total, type) => total + type[field], 0);
  return (
    <Stack gap={0} align="flex-start">
      <Text span size="xs">
        {words.rows(formatCount(stats.rows), formatCompact(stats.rows_per_second))}
      </Text>
      <Text span size="xs">
        {words.attempts(formatCount(sum("completed")), formatCount(sum("failed")))}
      </Text>
    </Stack>
  );
}
