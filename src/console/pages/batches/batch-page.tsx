import { Group, Tabs } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useLive } from "../../api/live.ts";
import { apiQuery } from "../../api/queries.ts";
import { Copy } from "../../parts/copy.tsx";
import { Failure, Loading } from "../../parts/feedback.tsx";
import { formatCount } from "../../parts/format.ts";
import { Moment } from "../../parts/moment.tsx";
import { Page } from "../../parts/page.tsx";
import { StateBadge } from "../../parts/states.tsx";
import { batchWords as words } from "../../words/batches.ts";
import { AllRows } from "./all-rows.tsx";
import { BatchActions } from "./batch-actions.tsx";
import { isMoving, TABS, type Tab } from "./choices.ts";
import type { Batch } from "./data/types.ts";
import { FailedRows } from "./failed-rows.tsx";
import { FileDetails } from "./file-details.tsx";
import { Overview } from "./overview.tsx";
import { Progress, useSamples } from "./progress.tsx";
import { RowDrawer } from "./row-drawer.tsx";
import { ThroughputChart } from "./throughput-chart.tsx";
import "@mantine/core/styles/Tabs.layer.css";
import "./batches.css";

/** Fewer make no line. */
const MIN_SAMPLES = 3;

const route = getRouteApi("/signed-in/batches/$batchId");

export function BatchPage() {
  const { batchId } = route.useParams();
  const found = useQuery(apiQuery("/api/v1/batches/{batch_id}", { path: { batch_id: batchId } }));
  useLive({ batches: [batchId] });
  if (!found.data)
    return found.error ? <Failure error={found.error} onRetry={() => void found.refetch()} /> : <Loading />;
  return <Details batch={found.data} updatedAt={found.dataUpdatedAt} />;
}

function Details({ batch, updatedAt }: { readonly batch: Batch; readonly updatedAt: number }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const tab = search.tab ?? "overview";
  const samples = useSamples(batch, updatedAt);
  // Filters belong to the tab that they were set on.
  const open = (next: Tab) => void navigate({ search: next === "overview" ? {} : { tab: next } });
  const show = (row: number | undefined) =>
    void navigate({ search: (known) => ({ ...known, row }) as typeof search, replace: true });
  return (
    <Page
      title={batch.filename}
      badge={<StateBadge state={batch.state} />}
      parent={{ to: "/batches", name: words.title }}
      description={<Description batch={batch} />}
      actions={<BatchActions batch={batch} />}
    >
      <Progress batch={batch} updatedAt={updatedAt} />
      {batch.state === "processing" && samples.length > MIN_SAMPLES && <ThroughputChart samples={samples} />}
      <Tabs value={tab} onChange={(value) => open((value ?? "overview") as Tab)} keepMounted={false}>
        <Tabs.List mb="md">
          {TABS.map((name) => (
            <Tabs.Tab key={name} value={name}>
              {words.tabs[name]}
              {name === "failed" && batch.counts.failed > 0 && ` (${formatCount(batch.counts.failed)})`}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value="overview">
          <Overview batch={batch} />
        </Tabs.Panel>
        <Tabs.Panel value="failed">
          <FailedRows batch={batch} onOpen={show} />
        </Tabs.Panel>
        <Tabs.Panel value="rows">
          <AllRows batch={batch} onOpen={show} />
        </Tabs.Panel>
        <Tabs.Panel value="file">
          <FileDetails batch={batch} />
        </Tabs.Panel>
      </Tabs>
      {search.row !== undefined && (
        <RowDrawer batch={batch} row={search.row} onClose={() => show(undefined)} />
      )}
    </Page>
  );
}

function Description({ batch }: { readonly batch: Batch }) {
  const { id, number, target, target_version, dry_run, created_at, state } = batch;
  const parts = [
    words.number(formatCount(number)),
    target_version === null ? words.into(target) : words.intoVersion(target, target_version),
    ...(dry_run ? [words.dryRun] : []),
  ];
  return (
    <Group gap={6} component="span" data-moving={isMoving(state) || undefined}>
      {parts.join(" · ")} · <Moment at={created_at} />
      <Copy value={id} label={words.copyId} />
    </Group>
  );
}
