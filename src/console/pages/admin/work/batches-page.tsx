import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import type { Schemas } from "../../../../client/operations.ts";
import { useLive } from "../../../api/live.ts";
import { apiQuery, useApiList } from "../../../api/queries.ts";
import { Choice, stateOptions } from "../../../parts/choice.tsx";
import { type Column, DataTable } from "../../../parts/data-table.tsx";
import { Empty } from "../../../parts/feedback.tsx";
import { formatCount } from "../../../parts/format.ts";
import { LinkTo } from "../../../parts/link.tsx";
import { Moment } from "../../../parts/moment.tsx";
import { Owner } from "../../../parts/owner.tsx";
import { Page } from "../../../parts/page.tsx";
import { Period } from "../../../parts/period.tsx";
import { StateBadge } from "../../../parts/states.tsx";
import { SearchField, Toolbar } from "../../../parts/toolbar.tsx";
import { adminWorkWords as words } from "../../../words/admin-work.ts";
import { BATCH_STATES, isMoving } from "../../batches/choices.ts";
import { OutcomeSummary } from "../../batches/outcome-bar.tsx";
import { batchFilterOf } from "../bulk/batch-filter.ts";
import { BulkMenu } from "../bulk/bulk-menu.tsx";
import type { BatchSearch } from "../shared/search-shapes.ts";
import { SetFilter } from "../shared/set-filter.tsx";
import { useFilter } from "../shared/use-filter.ts";

const columns: readonly Column<Schemas["AdminBatch"]>[] = [
  {
    name: words.file,
    isTitle: true,
    cell: ({ id, filename }) => (
      <LinkTo to="/admin/batches/$batchId" params={{ batchId: id }} title={filename}>
        {filename}
      </LinkTo>
    ),
  },
  { name: words.state, cell: ({ state }) => <StateBadge state={state} /> },
  { name: words.target, cell: ({ target }) => target },
  { name: words.owner, cell: ({ user_id }) => <Owner id={user_id} /> },
  { name: words.rows, isNumber: true, cell: ({ counts }) => formatCount(counts.total) },
  { name: words.progress, isNumber: true, cell: (batch) => <OutcomeSummary batch={batch} /> },
  { name: words.created, cell: ({ created_at }) => <Moment at={created_at} /> },
];

export function BatchesPage() {
  const { filter, change, clear } = useFilter<BatchSearch>();
  const query = batchFilterOf(filter);
  const list = useApiList("/api/v1/admin/batches", { query });
  const { data: targets } = useQuery({ ...apiQuery("/api/v1/targets"), staleTime: 600_000 });
  const navigate = useNavigate();
  useLive({ batches: list.items.filter(({ state }) => isMoving(state)).map(({ id }) => id) });
  return (
    <Page
      title={words.batches}
      description={words.batchesDescription}
      actions={
        <BulkMenu noun="batches" actions={["pause", "resume", "retry", "cancel", "delete"]} filter={query} />
      }
    >
      <Toolbar updatedAt={list.updatedAt} onRefresh={list.refetch} onClear={clear}>
        <SearchField
          label={words.searchBatch}
          value={filter.q ?? ""}
          onChange={(q) => change({ q: q || undefined })}
        />
        <Choice
          label={words.state}
          value={filter.state}
          options={stateOptions(BATCH_STATES)}
          onChange={(state) => change({ state })}
        />
        <Choice
          label={words.target}
          width={130}
          value={filter.target}
          options={targets?.items.map(({ name }) => ({ value: name, label: name })) ?? []}
          onChange={(target) => change({ target })}
        />
        <Period
          label={words.created}
          from={filter.from}
          to={filter.to}
          onChange={(from, to) => change({ from, to })}
        />
        {filter.user && (
          <SetFilter label={`${words.owner} #${filter.user}`} onClear={() => change({ user: undefined })} />
        )}
      </Toolbar>
      <DataTable
        label={words.batches}
        list={list}
        columns={columns}
        idOf={({ id }) => id}
        onOpen={({ id }) => void navigate({ to: "/admin/batches/$batchId", params: { batchId: id } })}
        empty={
          clear ? (
            <Empty title={words.noMatch} hint={words.noMatchHint} />
          ) : (
            <Empty title={words.noBatches} hint={words.noBatchesHint} />
          )
        }
      />
    </Page>
  );
}
