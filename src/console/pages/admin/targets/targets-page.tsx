import { Badge, Button } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { Link, useNavigate } from "@tanstack/react-router";
import type { Schemas } from "../../../../client/operations.ts";
import { apiQuery, useItems } from "../../../api/queries.ts";
import { type Column, DataTable } from "../../../parts/data-table.tsx";
import { Empty } from "../../../parts/feedback.tsx";
import { formatCount } from "../../../parts/format.ts";
import { LinkTo } from "../../../parts/link.tsx";
import { Moment } from "../../../parts/moment.tsx";
import { Page } from "../../../parts/page.tsx";
import { Toolbar } from "../../../parts/toolbar.tsx";
import { targetWords as words } from "../../../words/targets.ts";

type Target = Schemas["Target"];

const columns: readonly Column<Target>[] = [
  {
    name: words.target,
    isTitle: true,
    cell: ({ name, title, version }) =>
      version === null ? (
        title
      ) : (
        <LinkTo to="/admin/targets/$name/edit" params={{ name }} title={title}>
          {title}
        </LinkTo>
      ),
  },
  { name: words.name, cell: ({ name }) => <span title={name}>{name}</span> },
  {
    name: words.destination,
    cell: ({ destination }) => (
      <Badge variant="light" radius="sm" tt="none" color={destination === "built_in" ? "gray" : "indigo"}>
        {words.destinations[destination]}
      </Badge>
    ),
  },
  { name: words.version, isNumber: true, cell: ({ version }) => version ?? "–" },
  {
    name: words.columns,
    isNumber: true,
    cell: ({ columns, open }) => (open ? words.anyColumns : formatCount(columns.length)),
  },
  { name: words.saved, cell: ({ saved_at }) => (saved_at === null ? "–" : <Moment at={saved_at} />) },
];

export function TargetsPage() {
  const list = useItems(apiQuery("/api/v1/targets"));
  const navigate = useNavigate();
  return (
    <Page
      title={words.title}
      description={words.description}
      actions={
        <Button component={Link} to="/admin/targets/new" leftSection={<IconPlus size={16} aria-hidden />}>
          {words.create}
        </Button>
      }
    >
      <Toolbar updatedAt={list.updatedAt} onRefresh={list.refetch} />
      <DataTable
        label={words.title}
        list={list}
        columns={columns}
        idOf={({ name }) => name}
        onOpen={({ name, version }) => {
          if (version !== null) void navigate({ to: "/admin/targets/$name/edit", params: { name } });
        }}
        empty={<Empty title={words.empty} hint={words.emptyHint} />}
      />
    </Page>
  );
}
