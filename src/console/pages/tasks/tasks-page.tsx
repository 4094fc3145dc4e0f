import { Button, Group, Progress, Text } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import type { Schemas } from "../../../client/operations.ts";
import { useLive } from "../../api/live.ts";
import { useApiList } from "../../api/queries.ts";
import { changed } from "../../api/search.ts";
import { Choice, stateOptions } from "../../parts/choice.tsx";
import { type Column, DataTable } from "../../parts/data-table.tsx";
import { Empty } from "../../parts/feedback.tsx";
import { formatShare } from "../../parts/format.ts";
import { LinkTo } from "../../parts/link.tsx";
import { Moment } from "../../parts/moment.tsx";
import { Page } from "../../parts/page.tsx";
import { StateBadge } from "../../parts/states.tsx";
import { SearchField, Toolbar } from "../../parts/toolbar.tsx";
import { taskWords as words } from "../../words/tasks.ts";
import { titleOf } from "./form/fields.ts";
import { useTaskTypes } from "./form/task-types.ts";
import { TASK_STATUSES } from "./statuses.ts";
import { isOpen, nameOf } from "./task-names.ts";

type Task = Schemas["Task"];

const route = getRouteApi("/signed-in/tasks");

const columns: readonly Column<Task>[] = [
  {
    name: words.id,
    isTitle: true,
    cell: (task) => (
      <LinkTo to="/tasks/$taskId" params={{ taskId: task.id }} title={nameOf(task)}>
        {nameOf(task)}
      </LinkTo>
    ),
  },
  { name: words.type, cell: ({ type }) => titleOf(type) },
  { name: words.status, cell: ({ status }) => <StateBadge state={status} /> },
  { name: words.progress, width: 150, cell: (task) => <SmallProgress task={task} /> },
  { name: words.created, cell: ({ created_at }) => <Moment at={created_at} /> },
];

export function TasksPage() {
  const filter = route.useSearch();
  const { status, type, q, tag, workflow, group } = filter;
  const setFilter = route.useNavigate();
  const navigate = useNavigate();
  const types = useTaskTypes().data?.items ?? [];
  const list = useApiList("/api/v1/tasks", {
    query: {
      ...(status ? { status: [status] } : {}),
      ...(type ? { type } : {}),
      ...(q ? { search: q } : {}),
      ...(tag ? { tag } : {}),
      ...(workflow ? { workflow_id: workflow } : {}),
      ...(group ? { group_id: group } : {}),
    },
  });
  useLive({ tasks: list.items.filter(isOpen).map(({ id }) => id) });
  const isFiltered = Object.keys(filter).length > 0;
  const change = (part: Parameters<typeof changed<typeof filter>>[1]) =>
    void setFilter({ search: (latest) => changed(latest, part), replace: true });
  return (
    <Page
      title={words.title}
      description={words.description}
      actions={
        <Button component={Link} to="/tasks/new" leftSection={<IconPlus size={16} aria-hidden />}>
          {words.create}
        </Button>
      }
    >
      <Toolbar
        updatedAt={list.updatedAt}
        onRefresh={list.refetch}
        onClear={isFiltered ? () => void setFilter({ search: {} }) : undefined}
      >
        <SearchField
          label={words.search}
          value={q ?? ""}
          onChange={(value) => change({ q: value || undefined })}
        />
        <Choice
          label={words.status}
          value={status}
          options={stateOptions(TASK_STATUSES)}
          onChange={(next) => change({ status: next })}
        />
        <Choice
          label={words.type}
          width={190}
          value={type}
          options={types.map(({ name }) => ({ value: name, label: titleOf(name) }))}
          onChange={(next) => change({ type: next })}
        />
        <Text size="xs" c="dimmed">
          {[workflow && words.more.workflow, group && words.more.group, tag && words.more.tag(tag)]
            .filter(Boolean)
            .join(" · ")}
        </Text>
      </Toolbar>
      <DataTable
        label={words.title}
        list={list}
        columns={columns}
        idOf={({ id }) => id}
        onOpen={({ id }) => void navigate({ to: "/tasks/$taskId", params: { taskId: id } })}
        empty={
          isFiltered ? (
            <Empty title={words.emptyFilter} hint={words.emptyFilterHint} />
          ) : (
            <Empty
              title={words.empty}
              hint={words.emptyHint}
              action={
                <Button component={Link} to="/tasks/new" variant="light">
                  {words.create}
                </Button>
              }
            />
          )
        }
      />
    </Page>
  );
}

function SmallProgress({ task }: { readonly task: Task }) {
  if (!isOpen(task) || task.progress === 0) return null;
  return (
    <Group gap={8} wrap="nowrap">
      <Progress value={task.progress} w={80} size="sm" aria-label={words.progress} />
      <Text size="xs">{formatShare(task.progress / 100)}</Text>
    </Group>
  );
}
