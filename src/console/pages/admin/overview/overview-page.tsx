import { SegmentedControl, SimpleGrid } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";
import { apiQuery } from "../../../api/queries.ts";
import { Chart } from "../../../parts/chart.tsx";
import type { TimeRange } from "../../../parts/chart-data.ts";
import { Empty, Failure, Loading } from "../../../parts/feedback.tsx";
import { formatBytes, formatCompact, formatDuration } from "../../../parts/format.ts";
import { Page } from "../../../parts/page.tsx";
import { Toolbar } from "../../../parts/toolbar.tsx";
import { overviewWords as words } from "../../../words/admin-overview.ts";
import { type OverviewSearch, RANGES } from "../shared/search-shapes.ts";
import { useFilter } from "../shared/use-filter.ts";
import {
  databaseSeries,
  filterOf,
  queueSeries,
  rowSeries,
  type Statistics,
  taskSeries,
  workerSeries,
} from "./overview-data.ts";
import { Tiles } from "./tiles.tsx";

const EVERY_MS = 10_000;

export function OverviewPage() {
  const { filter, change } = useFilter<OverviewSearch>();
  const range = filter.range ?? "1h";
  const { data, error, refetch, dataUpdatedAt } = useQuery({
    ...apiQuery("/api/v1/admin/statistics", { query: { range } }),
    refetchInterval: EVERY_MS,
    placeholderData: keepPreviousData,
  });
  return (
    <Page title={words.title} description={words.description}>
      <Toolbar updatedAt={dataUpdatedAt} onRefresh={() => void refetch()}>
        <SegmentedControl
          size="xs"
          aria-label={words.range}
          value={range}
          data={RANGES.map((value) => ({ value, label: words.ranges[value] }))}
          onChange={(value) => change({ range: RANGES.find((known) => known === value) })}
        />
      </Toolbar>
      {data ? (
        <>
          <Tiles statistics={data} />
          <Charts statistics={data} />
        </>
      ) : error ? (
        <Failure error={error} onRetry={() => void refetch()} />
      ) : (
        <Loading />
      )}
    </Page>
  );
}

function Charts({ statistics }: { readonly statistics: Statistics }) {
  const { buckets, now } = statistics;
  const navigate = useNavigate();
  const times = useMemo(() => buckets.map(({ from }) => new Date(from)), [buckets]);
  if (buckets.every(({ minutes }) => minutes === 0)) {
    return (
      <section className="panel">
        <Empty title={words.empty} hint={now.workers.alive > 0 ? words.emptyHint : words.emptyNoWorker} />
      </section>
    );
  }
  const go = (to: string, search: object = {}) => void navigate({ to, search } as never);
  const openTasks = (range: TimeRange) => {
    const { from, to } = filterOf(range);
    go("/admin/tasks", { ended_from: from, ended_to: to });
  };
  const { charts } = words;
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }} spacing="sm">
      <Chart
        title={charts.rows}
        shape="bars"
        times={times}
        series={rowSeries(buckets)}
        format={formatCompact}
        onPick={(range) => go("/admin/batches", filterOf(range))}
      />
      <Chart
        title={charts.tasks}
        shape="bars"
        times={times}
        series={taskSeries(buckets)}
        format={formatCompact}
        onPick={openTasks}
      />
      <Chart
        title={charts.depth}
        times={times}
        series={queueSeries(buckets, "waiting")}
        format={formatCompact}
        onPick={() => go("/admin/jobs", { state: "waiting" })}
      />
      <Chart
        title={charts.oldest}
        times={times}
        series={queueSeries(buckets, "oldest_waiting_seconds")}
        format={formatDuration}
        onPick={() => go("/admin/queues")}
      />
      <Chart
        title={charts.workers}
        times={times}
        series={workerSeries(buckets)}
        format={formatCompact}
        onPick={() => go("/admin/workers")}
      />
      <Chart title={charts.database} times={times} series={databaseSeries(buckets)} format={formatBytes} />
    </SimpleGrid>
  );
}
