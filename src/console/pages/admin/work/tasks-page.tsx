import { useNavigate } from "@tanstack/react-router";
import type { Schemas } from "../../../../client/operations.ts";
import { useLive } from "../../../api/live.ts";
import { useApiList } from "../../../api/queries.ts";
import { Choice, stateOptions } from "../../../parts/choice.tsx";
import { type Column, DataTable } from "../../../parts/data-table.tsx";
import { Empty } from "../../../parts/feedback.tsx";
import { LinkTo } from "../../../parts/link.tsx";
import { Moment } from "../../../parts/moment.tsx";
import { Owner } from "../../../parts/owner.tsx";
import { Page } from "../../../parts/page.tsx";
import { Period } from "../../../parts/period.tsx";
import { StateBadge } from "../../../parts/states.tsx";
import { SearchField, Toolbar } from "../../../parts/toolbar.tsx";
import { adminWorkWords as words } from "../../../words/admin-work.ts";
import { titleOf } from "../../tasks/form/fields.ts";
import { TASK_STATUSES } from "../../tasks/statuses.ts";
import { isOpen, nameOf } from "../../tasks/task-names.ts";
import { BulkMenu } from "../bulk/bulk-menu.tsx";
import { taskFilterOf } from "../bulk/task-filter.ts";
import { queueOptions, useTypeOptions } from "../shared/choices.ts";
import type { TaskSearch } from "../shared/search-shapes.ts";
import { selectionOf } from "../shared/selection.ts";
import { SetFilter } from "../shared/set-filter.tsx";
import { useFilter } from "../shared/use-filter.ts";

type Task = Schemas["Task"];

const columns: readonly Column<Task>[] = [
  {
    name: words.task,
    isTitle: true,
    cell: (task) => (
      <LinkTo to="/admin/tasks/$taskId" params={{ taskId: task.id }} title={nameOf(task)}>
        {nameOf(task)}
      </LinkTo>
    ),
  },
  { name: words.type, cell: ({ type }) => titleOf(type) },
  { name: words.status, cell: ({ status }) => <StateBadge state={status} /> },
  { name: words.owner, cell: ({ user_id }) => <Owner id={user_id} /> },
  {
    name: words.error,
    cell: ({ error_message }) => error_message && <span title={error_message}>{error_message}</span>,
  },
  { name: words.created, cell: ({ created_at }) => <Moment at={created_at} /> },
];

export function TasksPage() {
  const { filter, change: set, update, clear } = useFilter<TaskSearch>();
  // Another filter shows other tasks.
  const change: typeof set = (part) => set({ selected: undefined, ...part });
  const isFiltered = Object.keys(filter).some((name) => name !== "selected");
  const selection = selectionOf(filter.selected, (next) =>
    update(({ selected }) => ({ selected: next(selected) })),
  );
  const query = taskFilterOf(filter);
  const list = useApiList("/api/v1/admin/tasks", { query });
  const types = useTypeOptions();
  const navigate = useNavigate();
  useLive({ tasks: list.items.filter(isOpen).map(({ id }) => id) });
  return (
    <Page
      title={words.tasks}
      description={words.tasksDescription}
      actions={
        <BulkMenu
          noun="tasks"
          actions={["retry", "cancel", "delete"]}
          filter={query}
          selected={selection.ids}
        />
      }
    >
      <Toolbar updatedAt={list.updatedAt} onRefresh={list.refetch} onClear={isFiltered ? clear : undefined}>
        <SearchField
          label={words.search}
          value={filter.q ?? ""}
          onChange={(q) => change({ q: q || undefined })}
        />
        <Choice
          label={words.status}
          width={130}
          value={filter.status}
          options={stateOptions(TASK_STATUSES)}
          onChange={(status) => change({ status })}
        />
        <Choice
          label={words.type}
          value={filter.type}
          options={types}
          onChange={(type) => change({ type })}
        />
        <Choice
          label={words.queue}
          width={140}
          value={filter.queue}
          options={queueOptions}
          onChange={(queue) => change({ queue })}
        />
        <Period
          label={words.created}
          from={filter.from}
          to={filter.to}
          onChange={(from, to) => change({ from, to })}
        />
        {(filter.ended_from || filter.ended_to) && (
          <Period
            label={words.ended}
            from={filter.ended_from}
            to={filter.ended_to}
            onChange={(ended_from, ended_to) => change({ ended_from, ended_to })}
          />
        )}
        {filter.user && (
          <SetFilter label={`${words.owner} #${filter.user}`} onClear={() => change({ user: undefined })} />
        )}
        {filter.tag && <SetFilter label={words.tag(filter.tag)} onClear={() => change({ tag: undefined })} />}
        {filter.group && <SetFilter label={words.group} onClear={() => change({ group: undefined })} />}
        {filter.workflow && (
          <SetFilter label={words.ofWorkflow} onClear={() => change({ workflow: undefined })} />
        )}
      </Toolbar>
      <DataTable
        label={words.tasks}
        list={list}
        columns={columns}
        idOf={({ id }) => id}
        selection={{ ...selection, nameOf }}
        onOpen={({ id }) => void navigate({ to: "/admin/tasks/$taskId", params: { taskId: id } })}
        empty={
          isFiltered ? (
            <Empty title={words.noMatch} hint={words.noMatchHint} />
          ) : (
            <Empty title={words.noTasks} hint={words.noTasksHint} />
          )
        }
      />
    </Page>
  );
}
