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
import { formatCount } from "../../parts/format.ts";
import { LinkTo } from "../../parts/link.tsx";
import { Moment } from "../../parts/moment.tsx";
import { Page } from "../../parts/page.tsx";
import { StateBadge } from "../../parts/states.tsx";
import { SearchField, Toolbar } from "../../parts/toolbar.tsx";
import { workflowWords as words } from "../../words/workflows.ts";
import { WORKFLOW_STATES } from "./states.ts";
import { endedSteps, nameOf } from "./workflow-names.ts";

type Workflow = Schemas["Workflow"];

const route = getRouteApi("/signed-in/workflows");

const columns: readonly Column<Workflow>[] = [
  {
    name: words.workflow,
    isTitle: true,
    cell: (workflow) => (
      <LinkTo to="/workflows/$workflowId" params={{ workflowId: workflow.id }} title={nameOf(workflow)}>
        {nameOf(workflow)}
      </LinkTo>
    ),
  },
  { name: words.kind, cell: ({ kind }) => words.kinds[kind] ?? kind },
  { name: words.state, cell: ({ state }) => <StateBadge state={state} /> },
  {
    name: words.steps,
    width: 180,
    cell: (workflow) => (
      <Group gap={8} wrap="nowrap">
        {workflow.state === "running" && (
          <Progress value={workflow.progress} w={80} size="sm" aria-label={words.steps} />
        )}
        <Text size="sm">
          {words.stepsOf(formatCount(endedSteps(workflow)), formatCount(workflow.counts.total))}
        </Text>
      </Group>
    ),
  },
  { name: words.created, cell: ({ created_at }) => <Moment at={created_at} /> },
];

export function WorkflowsPage() {
  const filter = route.useSearch();
  const { state, name } = filter;
  const setFilter = route.useNavigate();
  const navigate = useNavigate();
  const list = useApiList("/api/v1/workflows", {
    query: { ...(state ? { state } : {}), ...(name ? { name } : {}) },
  });
  useLive({ workflows: list.items.filter(({ state }) => state === "running").map(({ id }) => id) });
  const isFiltered = Object.keys(filter).length > 0;
  const change = (part: Parameters<typeof changed<typeof filter>>[1]) =>
    void setFilter({ search: (latest) => changed(latest, part), replace: true });
  const create = (
    <Button component={Link} to="/workflows/new" leftSection={<IconPlus size={16} aria-hidden />}>
      {words.create}
    </Button>
  );
  return (
    <Page title={words.title} description={words.description} actions={create}>
      <Toolbar
        updatedAt={list.updatedAt}
        onRefresh={list.refetch}
        onClear={isFiltered ? () => void setFilter({ search: {} }) : undefined}
      >
        <SearchField
          label={words.search}
          value={name ?? ""}
          onChange={(value) => change({ name: value || undefined })}
        />
        <Choice
          label={words.state}
          value={state}
          options={stateOptions(WORKFLOW_STATES)}
          onChange={(next) => change({ state: next })}
        />
      </Toolbar>
      <DataTable
        label={words.title}
        list={list}
        columns={columns}
        idOf={({ id }) => id}
        onOpen={({ id }) => void navigate({ to: "/workflows/$workflowId", params: { workflowId: id } })}
        empty={
          isFiltered ? (
            <Empty title={words.emptyFilter} hint={words.emptyFilterHint} />
          ) : (
            <Empty title={words.empty} hint={words.emptyHint} action={create} />
          )
        }
      />
    </Page>
  );
}
