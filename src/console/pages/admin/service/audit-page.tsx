import { Menu } from "@mantine/core";
import { useApiList } from "../../../api/queries.ts";
import { Choice } from "../../../parts/choice.tsx";
import { type Column, DataTable } from "../../../parts/data-table.tsx";
import { Empty } from "../../../parts/feedback.tsx";
import { Moment } from "../../../parts/moment.tsx";
import { Page } from "../../../parts/page.tsx";
import { Period } from "../../../parts/period.tsx";
import { saveFile } from "../../../parts/save-file.ts";
import { SaveMenu } from "../../../parts/save-menu.tsx";
import { SearchField, Toolbar } from "../../../parts/toolbar.tsx";
import { auditWords as words } from "../../../words/admin-service.ts";
import { ItemLink } from "../shared/item-link.tsx";
import type { AuditSearch } from "../shared/search-shapes.ts";
import { SetFilter } from "../shared/set-filter.tsx";
import { useFilter } from "../shared/use-filter.ts";
import { AUDIT_ACTIONS, auditQueryOf, type Entry } from "./audit-filter.ts";
import { EntryDialog } from "./entry-dialog.tsx";

const actions = AUDIT_ACTIONS.map((value) => ({ value, label: value }));

const columns: readonly Column<Entry>[] = [
  {
    name: words.action,
    isTitle: true,
    cell: ({ id, action }) => (
      <ItemLink field="entry" id={id}>
        {action}
      </ItemLink>
    ),
  },
  { name: words.actor, cell: ({ actor }) => actor ?? words.byRowmill },
  {
    name: words.object,
    cell: ({ subject_type, subject_id }) => (
      <span title={subject_id}>
        {subject_type} {subject_id}
      </span>
    ),
  },
  { name: words.details, cell: ({ details }) => <Details details={details} /> },
  { name: words.at, cell: ({ at }) => <Moment at={at} /> },
];

export function AuditPage() {
  const { filter, change, clear } = useFilter<AuditSearch>();
  const { entry } = filter;
  const query = auditQueryOf(filter);
  const list = useApiList("/api/v1/admin/audit", { query });
  return (
    <Page title={words.title} description={words.description} actions={<Export query={query} />}>
      <Toolbar updatedAt={list.updatedAt} onRefresh={list.refetch} onClear={clear}>
        <SearchField
          label={words.searchActor}
          value={filter.actor ?? ""}
          onChange={(actor) => change({ actor: actor || undefined })}
        />
        <Choice
          label={words.action}
          width={230}
          value={AUDIT_ACTIONS.find((known) => known === filter.action)}
          options={actions}
          onChange={(action) => change({ action })}
        />
        <Period
          label={words.at}
          from={filter.from}
          to={filter.to}
          onChange={(from, to) => change({ from, to })}
        />
        {(filter.subject || filter.id) && (
          <SetFilter
            label={[words.object, filter.subject, filter.id].filter(Boolean).join(" ")}
            onClear={() => change({ subject: undefined, id: undefined })}
          />
        )}
        {filter.owner && (
          <SetFilter label={`${words.owner} #${filter.owner}`} onClear={() => change({ owner: undefined })} />
        )}
      </Toolbar>
      <DataTable
        label={words.title}
        list={list}
        columns={columns}
        idOf={({ id }) => String(id)}
        onOpen={({ id }) => change({ entry: id })}
        empty={
          clear ? (
            <Empty title={words.noMatch} hint={words.noMatchHint} />
          ) : (
            <Empty title={words.empty} hint={words.emptyHint} />
          )
        }
      />
      {entry !== undefined && (
        <EntryDialog
          entry={list.items.find(({ id }) => id === entry)}
          isLoading={list.isLoading}
          onClose={() => change({ entry: undefined })}
        />
      )}
    </Page>
  );
}

function Details({ details }: Pick<Entry, "details">) {
  const text = Object.entries(details)
    .map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(", ");
  return <span title={text}>{text || "–"}</span>;
}

function Export({ query }: { readonly query: ReturnType<typeof auditQueryOf> }) {
  const save = (format: "csv" | "ndjson") => {
    const fields = Object.entries(query).map(([name, value]) => [name, String(value)] as [string, string]);
    saveFile(`/api/v1/admin/audit/export.${format}?${new URLSearchParams(fields)}`);
  };
  return (
    <SaveMenu label={words.export}>
      <Menu.Item onClick={() => save("csv")}>{words.exportAs.csv}</Menu.Item>
      <Menu.Item onClick={() => save("ndjson")}>{words.exportAs.ndjson}</Menu.Item>
    </SaveMenu>
  );
}
