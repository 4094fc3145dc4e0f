import { Button, Group, Stack, Text, Title } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import type { AnswerOf, OperationOf } from "../../../../client/operations.ts";
import { client } from "../../../api/client.ts";
import { apiQuery, invalidate, useItems } from "../../../api/queries.ts";
import { Confirm } from "../../../parts/confirm.tsx";
import { type Column, DataTable } from "../../../parts/data-table.tsx";
import { Empty, showDone } from "../../../parts/feedback.tsx";
import { formatCount } from "../../../parts/format.ts";
import { Moment } from "../../../parts/moment.tsx";
import { workerWords as words } from "../../../words/admin-overview.ts";
import { titleOf } from "../../tasks/form/fields.ts";
import { LimitDialog } from "./limit-dialog.tsx";

type Limit = AnswerOf<OperationOf<"get", "/api/v1/admin/task-limits">>["items"][number];

const show = (value: number | null) => (value === null ? words.noLimit : formatCount(value));

/** The limits of task types, on all workers together. */
export function Limits() {
  const list = useItems(apiQuery("/api/v1/admin/task-limits"));
  const [edited, setEdited] = useState<Limit | "new" | null>(null);
  const [removed, setRemoved] = useState<string | null>(null);
  const remove = async () => {
    if (removed === null) return;
    await client.delete("/api/v1/admin/task-limits/{type}", { path: { type: removed } });
    await invalidate("/api/v1/admin/task-limits");
    showDone(words.removed(titleOf(removed)));
  };
  const columns: readonly Column<Limit>[] = [
    {
      name: words.type,
      isTitle: true,
      cell: ({ type }) => (
        <Link to="/admin/tasks" search={{ type }}>
          {titleOf(type)}
        </Link>
      ),
    },
    { name: words.perSecond, isNumber: true, cell: ({ per_second }) => show(per_second) },
    { name: words.concurrent, isNumber: true, cell: ({ concurrent }) => show(concurrent) },
    {
      name: words.running,
      isNumber: true,
      cell: ({ type, running }) => (
        <Link to="/admin/tasks" search={{ type, status: "processing" }}>
          {formatCount(running)}
        </Link>
      ),
    },
    {
      name: words.waiting,
      isNumber: true,
      cell: ({ type, waiting }) => (
        <Link to="/admin/tasks" search={{ type, status: "pending" }}>
          {formatCount(waiting)}
        </Link>
      ),
    },
    { name: words.changed, cell: ({ changed_at }) => <Moment at={changed_at} /> },
    {
      name: words.actions,
      cell: (limit) => (
        <Group gap={4} wrap="nowrap" justify="flex-end">
          <Button size="compact-sm" variant="default" onClick={() => setEdited(limit)}>
            {words.edit}
          </Button>
          <Button size="compact-sm" variant="subtle" color="red" onClick={() => setRemoved(limit.type)}>
            {words.remove}
          </Button>
        </Group>
      ),
    },
  ];
  return (
    <Stack gap="sm" component="section" aria-label={words.limits}>
      <Group justify="space-between" align="flex-end">
        <div>
          <Title order={2}>{words.limits}</Title>
          <Text size="sm" c="dimmed">
            {words.limitsHint}
          </Text>
        </div>
        <Button variant="default" onClick={() => setEdited("new")}>
          {words.setLimit}
        </Button>
      </Group>
      <DataTable
        label={words.limits}
        list={list}
        columns={columns}
        idOf={({ type }) => type}
        empty={<Empty title={words.noLimits} hint={words.noLimitsHint} />}
      />
      {edited && <LimitDialog limit={edited === "new" ? null : edited} onClose={() => setEdited(null)} />}
      <Confirm
        isOpen={removed !== null}
        onClose={() => setRemoved(null)}
        title={words.removeTitle(titleOf(removed ?? ""))}
        action={words.removeNow}
        run={remove}
      >
        {words.removeHint}
      </Confirm>
    </Stack>
  );
}
