import type { ItemOf, OperationOf } from "../../../../client/operations.ts";
import { useApiList } from "../../../api/queries.ts";
import { Choice, stateOptions } from "../../../parts/choice.tsx";
import { type Column, DataTable } from "../../../parts/data-table.tsx";
import { Empty } from "../../../parts/feedback.tsx";
import { formatCount } from "../../../parts/format.ts";
import { Moment } from "../../../parts/moment.tsx";
import { Page } from "../../../parts/page.tsx";
import { Period } from "../../../parts/period.tsx";
import { StateBadge } from "../../../parts/states.tsx";
import { SearchField, Toolbar } from "../../../parts/toolbar.tsx";
import { outboxWords as words } from "../../../words/admin-service.ts";
import { titleOf } from "../../tasks/form/fields.ts";
import { ItemLink } from "../shared/item-link.tsx";
import { MAIL_STATES, type OutboxSearch } from "../shared/search-shapes.ts";
import { useFilter } from "../shared/use-filter.ts";
import { MailDialog } from "./mail-dialog.tsx";
import { Suppressions } from "./suppressions.tsx";

type Mail = ItemOf<OperationOf<"get", "/api/v1/outbox">>;

const columns: readonly Column<Mail>[] = [
  {
    name: words.address,
    isTitle: true,
    cell: ({ id, address }) => (
      <ItemLink field="mail" id={id} title={address}>
        {address}
      </ItemLink>
    ),
  },
  { name: words.kind, cell: ({ kind }) => titleOf(kind) },
  { name: words.state, cell: ({ state }) => <StateBadge state={state} /> },
  { name: words.attempts, isNumber: true, cell: ({ attempts }) => formatCount(attempts) },
  {
    name: words.reply,
    cell: ({ reply }) => reply && <span title={reply}>{reply}</span>,
  },
  { name: words.created, cell: ({ created_at }) => <Moment at={created_at} /> },
];

export function OutboxPage() {
  const { filter, change, clear } = useFilter<OutboxSearch>();
  const { mail, ...query } = filter;
  const list = useApiList("/api/v1/outbox", { query });
  return (
    <Page title={words.title} description={words.description}>
      <Toolbar updatedAt={list.updatedAt} onRefresh={list.refetch} onClear={clear}>
        <SearchField
          label={words.searchAddress}
          value={filter.address ?? ""}
          onChange={(address) => change({ address: address || undefined })}
        />
        <Choice
          label={words.state}
          value={filter.state}
          options={stateOptions(MAIL_STATES)}
          onChange={(state) => change({ state })}
        />
        <Period
          label={words.created}
          from={filter.from}
          to={filter.to}
          onChange={(from, to) => change({ from, to })}
        />
      </Toolbar>
      <DataTable
        label={words.title}
        list={list}
        columns={columns}
        idOf={({ id }) => id}
        onOpen={({ id }) => change({ mail: id })}
        empty={
          clear ? (
            <Empty title={words.noMatch} hint={words.noMatchHint} />
          ) : (
            <Empty title={words.empty} hint={words.emptyHint} />
          )
        }
      />
      <Suppressions />
      {mail && <MailDialog key={mail} id={mail} onClose={() => change({ mail: undefined })} />}
    </Page>
  );
}
