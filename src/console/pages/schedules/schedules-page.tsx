import { Button, Text } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { Link, useNavigate } from "@tanstack/react-router";
import type { Schemas } from "../../../client/operations.ts";
import { useApiList } from "../../api/queries.ts";
import { type Column, DataTable } from "../../parts/data-table.tsx";
import { Empty } from "../../parts/feedback.tsx";
import { LinkTo } from "../../parts/link.tsx";
import { Moment } from "../../parts/moment.tsx";
import { Page } from "../../parts/page.tsx";
import { Toolbar } from "../../parts/toolbar.tsx";
import { scheduleWords as words } from "../../words/schedules.ts";
import { lastTickColumn, timesColumn, workColumn } from "./columns.tsx";
import { EnabledSwitch } from "./enabled-switch.tsx";

type Listed = Schemas["ListedSchedule"];

const columns: readonly Column<Listed>[] = [
  {
    name: words.schedule,
    isTitle: true,
    cell: ({ id, name }) => (
      <LinkTo to="/schedules/$scheduleId" params={{ scheduleId: id }} title={name}>
        {name}
      </LinkTo>
    ),
  },
  workColumn,
  timesColumn,
  { name: words.next, cell: (schedule) => <NextTick schedule={schedule} /> },
  lastTickColumn,
  {
    name: words.enabled,
    width: 70,
    cell: (schedule) => <EnabledSwitch schedule={schedule} isOwn />,
  },
];

function NextTick({ schedule }: { readonly schedule: Listed }) {
  if (schedule.next_run_at) return <Moment at={schedule.next_run_at} />;
  return (
    <Text size="sm" c="dimmed">
      {schedule.is_enabled ? words.isOver : words.isOff}
    </Text>
  );
}

export function SchedulesPage() {
  const navigate = useNavigate();
  const list = useApiList("/api/v1/schedules");
  const create = (
    <Button component={Link} to="/schedules/new" leftSection={<IconPlus size={16} aria-hidden />}>
      {words.create}
    </Button>
  );
  return (
    <Page title={words.title} description={words.description} actions={create}>
      <Toolbar updatedAt={list.updatedAt} onRefresh={list.refetch} />
      <DataTable
        label={words.title}
        list={list}
        columns={columns}
        idOf={({ id }) => id}
        onOpen={({ id }) => void navigate({ to: "/schedules/$scheduleId", params: { scheduleId: id } })}
        empty={<Empty title={words.empty} hint={words.emptyHint} action={create} />}
      />
    </Page>
  );
}
