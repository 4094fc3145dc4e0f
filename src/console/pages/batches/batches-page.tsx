import { Badge, Button, Group } from "@mantine/core";
import { IconUpload } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useLive } from "../../api/live.ts";
import { apiQuery, useApiList } from "../../api/queries.ts";
import { changed } from "../../api/search.ts";
import { Choice, stateOptions } from "../../parts/choice.tsx";
import { type Column, DataTable } from "../../parts/data-table.tsx";
import { Empty } from "../../parts/feedback.tsx";
import { formatCount } from "../../parts/format.ts";
import { Moment } from "../../parts/moment.tsx";
import { Page } from "../../parts/page.tsx";
import { StateBadge } from "../../parts/states.tsx";
import { SearchField, Toolbar } from "../../parts/toolbar.tsx";
import { batchWords as words } from "../../words/batches.ts";
import { navigationWords } from "../../words/common.ts";
import { BATCH_STATES, isMoving } from "./choices.ts";
import type { ListedBatch } from "./data/types.ts";
import { OutcomeSummary } from "./outcome-bar.tsx";
import "./batches.css";

const route = getRouteApi("/signed-in/batches");

const columns: readonly Column<ListedBatch>[] = [
  {
    name: words.file,
    isTitle: true,
    cell: ({ id, filename, dry_run }) => (
      <Group gap={8} wrap="nowrap">
        <Link to="/batches/$batchId" params={{ batchId: id }} title={filename} className="ellipsis">
          {filename}
        </Link>
        {dry_run && (
          <Badge size="xs" variant="default" radius="sm" tt="none" style={{ flex: "none" }}>
            {words.dryRun}
          </Badge>
        )}
      </Group>
    ),
  },
  { name: words.state, cell: ({ state }) => <StateBadge state={state} /> },
  { name: words.target, cell: ({ target }) => target },
  { name: words.rows, isNumber: true, cell: ({ counts }) => formatCount(counts.total) },
  { name: words.progress, isNumber: true, cell: (batch) => <OutcomeSummary batch={batch} /> },
  { name: words.when, cell: ({ created_at }) => <Moment at={created_at} /> },
];

export function BatchesPage() {
  const filter = route.useSearch();
  const navigate = route.useNavigate();
  const { state, target, ...rest } = filter;
  const list = useApiList("/api/v1/batches", {
    query: { ...rest, ...(target ? { target } : {}), ...(state ? { state: [state] } : {}) },
  });
  const { data: targets } = useQuery({ ...apiQuery("/api/v1/targets"), staleTime: 600_000 });
  const names = new Set([...(targets?.items.map(({ name }) => name) ?? []), ...(target ? [target] : [])]);
  useLive({ batches: list.items.filter(({ state }) => isMoving(state)).map(({ id }) => id) });
  const change = (part: Parameters<typeof changed<typeof filter>>[1]) =>
    void navigate({ search: (latest) => changed(latest, part), replace: true });
  const isFiltered = Object.keys(filter).length > 0;
  return (
    <Page title={words.title} description={words.description} actions={<ImportButton />}>
      <Toolbar
        updatedAt={list.updatedAt}
        onRefresh={list.refetch}
        onClear={isFiltered ? () => void navigate({ search: {} }) : undefined}
      >
        <SearchField
          label={words.search}
          value={filter.q ?? ""}
          onChange={(q) => change({ q: q || undefined })}
        />
        <Choice
          label={words.state}
          width={190}
          value={state}
          options={stateOptions(BATCH_STATES)}
          onChange={(next) => change({ state: next })}
        />
        <Choice
          label={words.target}
          width={150}
          value={target}
          options={[...names].map((name) => ({ value: name, label: name }))}
          onChange={(next) => change({ target: next })}
        />
      </Toolbar>
      <DataTable
        label={words.title}
        list={list}
        columns={columns}
        idOf={({ id }) => id}
        onOpen={({ id }) => void navigate({ to: "/batches/$batchId", params: { batchId: id } })}
        empty={
          isFiltered ? (
            <Empty title={words.emptyFilter} hint={words.emptyFilterHint} />
          ) : (
            <Empty title={words.empty} hint={words.emptyHint} action={<ImportButton />} />
          )
        }
      />
    </Page>
  );
}

function ImportButton() {
  return (
    <Button component={Link} to="/import" leftSection={<IconUpload size={16} aria-hidden />}>
      {navigationWords.import}
    </Button>
  );
}
