import { Badge } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import type { Schemas } from "../../../../client/operations.ts";
import { useApiList } from "../../../api/queries.ts";
import { isAdmin, useCurrentUser } from "../../../api/session.ts";
import { type Column, DataTable } from "../../../parts/data-table.tsx";
import { Empty } from "../../../parts/feedback.tsx";
import { LinkTo } from "../../../parts/link.tsx";
import { Moment } from "../../../parts/moment.tsx";
import { Owner } from "../../../parts/owner.tsx";
import { Page } from "../../../parts/page.tsx";
import { Toolbar } from "../../../parts/toolbar.tsx";
import { adminWorkWords as words } from "../../../words/admin-work.ts";
import { lastTickColumn, timesColumn, workColumn } from "../../schedules/columns.tsx";
import { EnabledSwitch } from "../../schedules/enabled-switch.tsx";

type Listed = Schemas["ListedSchedule"];

const columns: readonly Column<Listed>[] = [
  {
    name: words.schedule,
    isTitle: true,
    cell: ({ id, name }) => (
      <LinkTo to="/admin/schedules/$scheduleId" params={{ scheduleId: id }} title={name}>
        {name}
      </LinkTo>
    ),
  },
  workColumn,
  timesColumn,
  {
    name: words.owner,
    cell: ({ user_id }) =>
      user_id === null ? (
        <Badge variant="default" radius="sm" tt="none">
          {words.builtin}
        </Badge>
      ) : (
        <Owner id={user_id} />
      ),
  },
  { name: words.next, cell: ({ next_run_at }) => <Moment at={next_run_at} /> },
  lastTickColumn,
];

const forOperators: Column<Listed> = {
  name: words.on,
  width: 70,
  cell: ({ is_enabled }) => (is_enabled ? words.on : words.off),
};
const forAdmins: Column<Listed> = {
  ...forOperators,
  cell: (schedule) => <EnabledSwitch schedule={schedule} isOwn={false} />,
};

export function SchedulesPage() {
  const list = useApiList("/api/v1/admin/schedules");
  const navigate = useNavigate();
  const user = useCurrentUser();
  return (
    <Page title={words.schedules} description={words.schedulesDescription}>
      <Toolbar updatedAt={list.updatedAt} onRefresh={list.refetch} />
      <DataTable
        label={words.schedules}
        list={list}
        columns={[...columns, isAdmin(user) ? forAdmins : forOperators]}
        idOf={({ id }) => id}
        onOpen={({ id }) => void navigate({ to: "/admin/schedules/$scheduleId", params: { scheduleId: id } })}
        empty={<Empty title={words.noSchedules} hint={words.noSchedulesHint} />}
      />
    </Page>
  );
}
