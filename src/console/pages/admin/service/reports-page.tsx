import { Badge, Button } from "@mantine/core";
import { IconFilePlus } from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import type { ItemOf, OperationOf } from "../../../../client/operations.ts";
import { useApiList } from "../../../api/queries.ts";
import { Choice } from "../../../parts/choice.tsx";
import { type Column, DataTable } from "../../../parts/data-table.tsx";
import { Empty } from "../../../parts/feedback.tsx";
import { formatCount } from "../../../parts/format.ts";
import { LinkTo } from "../../../parts/link.tsx";
import { Moment } from "../../../parts/moment.tsx";
import { Page } from "../../../parts/page.tsx";
import { Toolbar } from "../../../parts/toolbar.tsx";
import { reportWords as words } from "../../../words/admin-service.ts";
import { REPORT_KINDS, type ReportSearch } from "../shared/search-shapes.ts";
import { useFilter } from "../shared/use-filter.ts";
import { CreateReport } from "./create-report.tsx";

type Report = ItemOf<OperationOf<"get", "/api/v1/reports">>;

const kinds = REPORT_KINDS.map((value) => ({ value, label: words.kinds[value] }));

const columns: readonly Column<Report>[] = [
  {
    name: words.report,
    isTitle: true,
    cell: ({ id, kind, period_start }) => (
      <LinkTo to="/admin/reports/$reportId" params={{ reportId: id }}>
        {words.kinds[kind]} {period_start.slice(0, 10)}
      </LinkTo>
    ),
  },
  { name: words.requests, isNumber: true, cell: ({ total_requests }) => formatCount(total_requests) },
  { name: words.successRate, isNumber: true, cell: ({ success_rate }) => success_rate },
  {
    name: words.complete,
    cell: ({ is_complete }) => (
      <Badge variant="light" color={is_complete ? "green" : "yellow"} radius="sm" tt="none">
        {is_complete ? words.complete : words.partial}
      </Badge>
    ),
  },
  { name: words.written, cell: ({ created_at }) => <Moment at={created_at} /> },
];

export function ReportsPage() {
  const { filter, change, clear } = useFilter<ReportSearch>();
  const [isCreating, setCreating] = useState(false);
  const list = useApiList("/api/v1/reports", { query: filter });
  const navigate = useNavigate();
  const open = (reportId: string) => void navigate({ to: "/admin/reports/$reportId", params: { reportId } });
  return (
    <Page
      title={words.title}
      description={words.description}
      actions={
        <Button leftSection={<IconFilePlus size={16} aria-hidden />} onClick={() => setCreating(true)}>
          {words.create}
        </Button>
      }
    >
      <Toolbar updatedAt={list.updatedAt} onRefresh={list.refetch} onClear={clear}>
        <Choice
          label={words.kind}
          value={filter.kind}
          options={kinds}
          onChange={(kind) => change({ kind })}
        />
      </Toolbar>
      <DataTable
        label={words.title}
        list={list}
        columns={columns}
        idOf={({ id }) => id}
        onOpen={({ id }) => open(id)}
        empty={<Empty title={clear ? words.noMatch : words.empty} hint={words.emptyHint} />}
      />
      {isCreating && <CreateReport onClose={() => setCreating(false)} onCreated={open} />}
    </Page>
  );
}
