import { useNavigate } from "@tanstack/react-router";
import type { Schemas } from "../../../../client/operations.ts";
import { useLive } from "../../../api/live.ts";
import { useApiList } from "../../../api/queries.ts";
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
import { workflowWords } from "../../../words/workflows.ts";
import { WORKFLOW_STATES } from "../../workflows/states.ts";
import { endedSteps, nameOf } from "../../workflows/workflow-names.ts";
import type { WorkflowSearch } from "../shared/search-shapes.ts";
import { SetFilter } from "../shared/set-filter.tsx";
import { useFilter } from "../shared/use-filter.ts";

const columns: readonly Column<Schemas["Workflow"]>[] = [
  {
    name: words.workflow,
    isTitle: true,
    cell: (workflow) => (
      <LinkTo to="/admin/workflows/$workflowId" params={{ workflowId: workflow.id }} title={nameOf(workflow)}>
        {nameOf(workflow)}
      </LinkTo>
    ),
  },
  { name: words.kind, cell: ({ kind }) => workflowWords.kinds[kind] ?? kind },
  { name: words.state, cell: ({ state }) => <StateBadge state={state} /> },
  {
    name: words.steps,
    isNumber: true,
    cell: (workflow) =>
      workflowWords.stepsOf(formatCount(endedSteps(workflow)), formatCount(workflow.counts.total)),
  },
  { name: words.owner, cell: ({ user_id }) => <Owner id={user_id} /> },
  { name: words.created, cell: ({ created_at }) => <Moment at={created_at} /> },
];

export function WorkflowsPage() {
  const { filter, change, clear } = useFilter<WorkflowSearch>();
  const { user, ...rest } = filter;
  const list = useApiList("/api/v1/admin/workflows", {
    query: { ...rest, ...(user ? { user_id: user } : {}) },
  });
  const navigate = useNavigate();
  const running = list.items.filter(({ state }) => state === "running");
  useLive({ workflows: running.map(({ id }) => id) });
  return (
    <Page title={words.workflows} description={words.workflowsDescription}>
      <Toolbar updatedAt={list.updatedAt} onRefresh={list.refetch} onClear={clear}>
        <SearchField
          label={words.searchName}
          value={filter.name ?? ""}
          onChange={(name) => change({ name: name || undefined })}
        />
        <Choice
          label={words.state}
          width={130}
          value={filter.state}
          options={stateOptions(WORKFLOW_STATES)}
          onChange={(state) => change({ state })}
        />
        <Period
          label={words.created}
          from={filter.from}
          to={filter.to}
          onChange={(from, to) => change({ from, to })}
        />
        {user && <SetFilter label={`${words.owner} #${user}`} onClear={() => change({ user: undefined })} />}
      </Toolbar>
      <DataTable
        label={words.workflows}
        list={list}
        columns={columns}
        idOf={({ id }) => id}
        onOpen={({ id }) => void navigate({ to: "/admin/workflows/$workflowId", params: { workflowId: id } })}
        empty={
          clear ? (
            <Empty title={words.noMatch} hint={words.noMatchHint} />
          ) : (
            <Empty title={words.noWorkflows} hint={words.noWorkflowsHint} />
          )
        }
      />
    </Page>
  );
}
