import { Anchor, Button, Text } from "@mantine/core";
import { getRouteApi, Link } from "@tanstack/react-router";
import type { Schemas } from "../../../client/operations.ts";
import { useApiList } from "../../api/queries.ts";
import { type Column, DataTable } from "../../parts/data-table.tsx";
import { Empty } from "../../parts/feedback.tsx";
import { formatCount } from "../../parts/format.ts";
import { LinkTo } from "../../parts/link.tsx";
import { Moment } from "../../parts/moment.tsx";
import { Page } from "../../parts/page.tsx";
import { SearchField, Toolbar } from "../../parts/toolbar.tsx";
import { navigationWords } from "../../words/common.ts";
import { recordWords as words } from "../../words/records.ts";
import { RecordPanel, textOf } from "./record-panel.tsx";

type SavedRecord = Schemas["SavedRecord"];

const route = getRouteApi("/signed-in/records");
const SHOWN_CELLS = 4;

const columns: readonly Column<SavedRecord>[] = [
  {
    name: words.id,
    isTitle: true,
    cell: ({ id }) => (
      <LinkTo size="sm" from="/records" to="/records" search={(before) => ({ ...before, record: id })}>
        {words.number(formatCount(id))}
      </LinkTo>
    ),
  },
  {
    name: words.cells,
    cell: ({ data }) =>
      Object.entries(data)
        .slice(0, SHOWN_CELLS)
        .map(([name, cell]) => (
          <Text key={name} span size="sm" mr="md">
            <Text span size="xs" c="dimmed">
              {name}
            </Text>{" "}
            {textOf(cell)}
          </Text>
        )),
  },
  { name: words.row, isNumber: true, cell: ({ row }) => formatCount(row) },
  {
    name: words.fromImport,
    cell: ({ batch_id }) => (
      <Anchor component={Link} to={`/batches/${batch_id}`} size="sm" title={batch_id}>
        {batch_id.slice(0, 8)}
      </Anchor>
    ),
  },
  { name: words.created, cell: ({ created_at }) => <Moment at={created_at} /> },
];

export function RecordsPage() {
  const { batch, record } = route.useSearch();
  const navigate = route.useNavigate();
  const list = useApiList("/api/v1/records", { query: batch ? { batch_id: batch } : {} });
  return (
    <Page title={words.title} description={words.description}>
      <Toolbar
        updatedAt={list.updatedAt}
        onRefresh={list.refetch}
        onClear={batch ? () => void navigate({ search: {} }) : undefined}
      >
        <SearchField
          label={words.batch}
          value={batch ?? ""}
          onChange={(value) => void navigate({ search: value ? { batch: value } : {}, replace: true })}
        />
      </Toolbar>
      <DataTable
        label={words.title}
        list={list}
        columns={columns}
        idOf={({ id }) => String(id)}
        onOpen={({ id }) => void navigate({ search: (before) => ({ ...before, record: id }) })}
        empty={
          <Empty
            title={words.empty}
            hint={batch ? words.emptyFilter : words.emptyHint}
            action={
              <Button component={Link} to="/import" variant="light">
                {navigationWords.import}
              </Button>
            }
          />
        }
      />
      {record !== undefined && (
        <RecordPanel
          key={record}
          id={record}
          onClose={() => void navigate({ search: ({ record: _, ...rest }) => rest })}
        />
      )}
    </Page>
  );
}
