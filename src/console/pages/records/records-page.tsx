import { Anchor, Button, Text } from "@mantine/core";
import { getRouteApi, Link } from "@tanstack/react-router";
import type { Schemas } from "../../../client/operations.ts";
import { useApiList } from "../../api/queries.ts";
import { type Column, DataTable } from "../../parts/data-table.tsx";
import { Empty } from "../../parts/feedback.tsx";
import { formatCount } from "../../parts/format.ts";
import { Moment } from "../../parts/moment.tsx";
import { Page } from "../../parts/page.tsx";
import { SearchField, Toolbar } from "../../parts/toolbar.tsx";
import { navigationWords } from "../../words/common.ts";
import { recordWords as words } from "../../words/records.ts";

type SavedRecord = Schemas["SavedRecord"];

const route = getRouteApi("/signed-in/records");
const SHOWN_CELLS = 4;

const columns: readonly Column<SavedRecord>[] = [
  { name: words.id, isTitle: true, cell: ({ id }) => `#${formatCount(id)}` },
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
            {String(cell)}
          </Text>
        )),
  },
  { name: words.row, isNumber: true, cell: ({ row }) => formatCount(row) },
  {
    name: words.fromImport,
    cell: ({ batch_id }) => <Anchor href={`/batches/${batch_id}`}>{batch_id.slice(0, 8)}</Anchor>,
  },
  { name: words.created, cell: ({ created_at }) => <Moment at={created_at} /> },
];

export function RecordsPage() {
  const { batch } = route.useSearch();
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
    </Page>
  );
}
