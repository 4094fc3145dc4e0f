import { Anchor, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import type { Schemas } from "../../../../client/operations.ts";
import { apiQuery, useItems } from "../../../api/queries.ts";
import { Chart } from "../../../parts/chart.tsx";
import { type Column, DataTable } from "../../../parts/data-table.tsx";
import { Empty } from "../../../parts/feedback.tsx";
import { formatCompact, formatCount, formatDuration } from "../../../parts/format.ts";
import { Moment } from "../../../parts/moment.tsx";
import { Page } from "../../../parts/page.tsx";
import { StateBadge } from "../../../parts/states.tsx";
import { Toolbar } from "../../../parts/toolbar.tsx";
import { useEvery } from "../../../parts/use-every.ts";
import { overviewWords, queuePageWords as words } from "../../../words/admin-overview.ts";
import { queueWords } from "../../../words/queues.ts";
import { queueSeries, trendOf } from "../overview/overview-data.ts";
import type { JobSearch } from "../shared/search-shapes.ts";
import { QueueActions } from "./queue-actions.tsx";

type Queue = Schemas["Queue"];

const EVERY_SECONDS = 5;

export function QueuesPage() {
  const list = useItems(apiQuery("/api/v1/admin/queues"));
  useEvery(EVERY_SECONDS, list.refetch);
  const { data } = useQuery({
    ...apiQuery("/api/v1/admin/statistics", { query: { range: "1h" } }),
    refetchInterval: 60_000,
  });
  const times = useMemo(() => data?.buckets.map(({ from }) => new Date(from)) ?? [], [data]);
  const columns: readonly Column<Queue>[] = [
    { name: words.queue, isTitle: true, cell: ({ name }) => <Name name={name} /> },
    { name: words.state, cell: (queue) => <Pause queue={queue} /> },
    {
      name: words.waiting,
      isNumber: true,
      cell: ({ name, waiting, is_estimate }) => (
        <Jobs search={{ queue: name, state: "waiting" }}>
          {is_estimate ? words.estimate(formatCount(waiting)) : formatCount(waiting)}
        </Jobs>
      ),
    },
    {
      name: words.trend,
      isNumber: true,
      cell: ({ name }) => formatTrend(data ? trendOf(data, name) : null),
    },
    {
      name: words.oldest,
      isNumber: true,
      cell: ({ oldest_waiting_seconds: age }) => (age === null ? "–" : formatDuration(Math.max(0, age))),
    },
    {
      name: words.active,
      isNumber: true,
      cell: ({ name, active }) => (
        <Jobs search={{ queue: name, state: "active" }}>{formatCount(active)}</Jobs>
      ),
    },
    {
      name: words.scheduled,
      isNumber: true,
      cell: ({ name, scheduled }) => (
        <Jobs search={{ queue: name, state: "scheduled" }}>{formatCount(scheduled)}</Jobs>
      ),
    },
    { name: words.retrying, isNumber: true, cell: ({ retrying }) => formatCount(retrying) },
    { name: words.workers, isNumber: true, cell: ({ workers }) => <Workers count={workers} /> },
    { name: words.actionsColumn, width: 120, cell: (queue) => <QueueActions queue={queue} /> },
  ];
  return (
    <Page title={words.title} description={words.description}>
      <Toolbar updatedAt={list.updatedAt} onRefresh={list.refetch} />
      <DataTable
        label={words.title}
        list={list}
        columns={columns}
        idOf={({ name }) => name}
        empty={<Empty title={words.empty} hint={words.emptyHint} />}
      />
      {data?.buckets.some(({ minutes }) => minutes > 0) && (
        <Chart
          title={overviewWords.charts.depth}
          times={times}
          series={queueSeries(data.buckets, "waiting")}
          format={formatCompact}
          height={200}
        />
      )}
    </Page>
  );
}

function Name({ name }: { readonly name: Queue["name"] }) {
  return (
    <Stack gap={0} align="flex-start">
      <Text span size="sm" fw={550}>
        {queueWords[name]}
      </Text>
      <Text span size="xs" c="dimmed" ff="monospace">
        {name}
      </Text>
    </Stack>
  );
}

function Pause({ queue }: { readonly queue: Queue }) {
  const { is_paused, paused_at, paused_by_username: username, pause_reason: reason } = queue;
  if (!is_paused) {
    return (
      <Text span size="sm" c="dimmed">
        {words.open}
      </Text>
    );
  }
  return (
    <Stack gap={2} align="flex-start">
      <StateBadge state="paused" />
      <Text span size="xs" c="dimmed">
        {username && `${words.pausedBy(username)} `}
        <Moment at={paused_at} />
      </Text>
      {reason && (
        <Text span size="xs" ta="left" style={{ whiteSpace: "normal", overflowWrap: "anywhere" }}>
          {reason}
        </Text>
      )}
    </Stack>
  );
}

function Jobs({ search, children }: { readonly search: JobSearch; readonly children: string }) {
  return (
    <Link to="/admin/jobs" search={search}>
      {children}
    </Link>
  );
}

function Workers({ count }: { readonly count: number }) {
  return (
    <Anchor component={Link} to="/admin/workers" size="sm" {...(count === 0 ? { c: "red" } : {})}>
      {count === 0 ? words.noWorker : formatCount(count)}
    </Anchor>
  );
}

function formatTrend(change: number | null): string {
  if (change === null) return "–";
  if (change === 0) return words.unchanged;
  return change > 0 ? words.trendUp(formatCount(change)) : words.trendDown(formatCount(-change));
}
