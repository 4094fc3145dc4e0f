import { Badge, Button } from "@mantine/core";
import { IconUserPlus } from "@tabler/icons-react";
import { useState } from "react";
import type { ItemOf, OperationOf } from "../../../../client/operations.ts";
import { useApiList } from "../../../api/queries.ts";
import { isAdmin, useCurrentUser } from "../../../api/session.ts";
import { Choice } from "../../../parts/choice.tsx";
import { type Column, DataTable } from "../../../parts/data-table.tsx";
import { Empty } from "../../../parts/feedback.tsx";
import { Moment } from "../../../parts/moment.tsx";
import { Page } from "../../../parts/page.tsx";
import { SearchField, Toolbar } from "../../../parts/toolbar.tsx";
import { userWords as words } from "../../../words/admin-service.ts";
import { ItemLink } from "../shared/item-link.tsx";
import { ROLES, type UserSearch } from "../shared/search-shapes.ts";
import { useFilter } from "../shared/use-filter.ts";
import { CreateUser } from "./create-user.tsx";
import { UserDialog } from "./user-dialog.tsx";

type Account = ItemOf<OperationOf<"get", "/api/v1/accounts">>;

const roles = ROLES.map((value) => ({ value, label: words.roles[value] }));
const states = (["no", "yes"] as const).map((value) => ({ value, label: words.states[value] }));

const columns: readonly Column<Account>[] = [
  {
    name: words.user,
    isTitle: true,
    cell: ({ id, username }) => (
      <ItemLink field="user" id={id} title={username}>
        {username}
      </ItemLink>
    ),
  },
  {
    name: words.role,
    cell: ({ role }) => (
      <Badge
        variant="light"
        radius="sm"
        tt="none"
        color={role === "admin" ? "grape" : role === "operator" ? "indigo" : "gray"}
      >
        {words.roles[role]}
      </Badge>
    ),
  },
  { name: words.name, cell: ({ first_name, last_name }) => `${first_name} ${last_name}`.trim() || "–" },
  { name: words.email, cell: ({ email }) => (email ? <span title={email}>{email}</span> : "–") },
  {
    name: words.state,
    cell: ({ disabled_at }) => (disabled_at === null ? words.enabled : words.disabled),
  },
  { name: words.created, cell: ({ created_at }) => <Moment at={created_at} /> },
];

export function UsersPage() {
  const { filter, change, clear } = useFilter<UserSearch>();
  const { q, role, disabled, user } = filter;
  const [isCreating, setCreating] = useState(false);
  const list = useApiList("/api/v1/accounts", {
    query: {
      ...(q ? { search: q } : {}),
      ...(role ? { role } : {}),
      ...(disabled ? { disabled: disabled === "yes" } : {}),
    },
  });
  const isForAdmin = isAdmin(useCurrentUser());
  return (
    <Page
      title={words.title}
      description={words.description}
      actions={
        isForAdmin && (
          <Button leftSection={<IconUserPlus size={16} aria-hidden />} onClick={() => setCreating(true)}>
            {words.create}
          </Button>
        )
      }
    >
      <Toolbar updatedAt={list.updatedAt} onRefresh={list.refetch} onClear={clear}>
        <SearchField
          label={words.search}
          value={q ?? ""}
          onChange={(text) => change({ q: text || undefined })}
        />
        <Choice label={words.role} value={role} options={roles} onChange={(one) => change({ role: one })} />
        <Choice
          label={words.state}
          width={130}
          value={disabled}
          options={states}
          onChange={(one) => change({ disabled: one })}
        />
      </Toolbar>
      <DataTable
        label={words.title}
        list={list}
        columns={columns}
        idOf={({ id }) => String(id)}
        onOpen={({ id }) => change({ user: id })}
        empty={
          clear ? (
            <Empty title={words.noMatch} hint={words.noMatchHint} />
          ) : (
            <Empty title={words.empty} hint={words.emptyHint} />
          )
        }
      />
      {user !== undefined && (
        <UserDialog
          key={user}
          id={user}
          isForAdmin={isForAdmin}
          onClose={() => change({ user: undefined })}
        />
      )}
      {isCreating && (
        <CreateUser onClose={() => setCreating(false)} onCreated={(id) => change({ user: id })} />
      )}
    </Page>
  );
}
