import { Button, Group, Text } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import type { AnswerOf, OperationOf } from "../../../../client/operations.ts";
import { client } from "../../../api/client.ts";
import { apiQuery, invalidate, useItems } from "../../../api/queries.ts";
import { Confirm } from "../../../parts/confirm.tsx";
import { type Column, DataTable } from "../../../parts/data-table.tsx";
import { Empty, showDone } from "../../../parts/feedback.tsx";
import { Moment } from "../../../parts/moment.tsx";
import { Page } from "../../../parts/page.tsx";
import { secretWords as words } from "../../../words/admin-service.ts";
import { SecretDialog } from "./secret-dialog.tsx";

type Secret = AnswerOf<OperationOf<"get", "/api/v1/admin/secrets">>["items"][number];

export function SecretsPage() {
  const list = useItems(apiQuery("/api/v1/admin/secrets"));
  const [edited, setEdited] = useState<Secret | "new" | null>(null);
  const [removed, setRemoved] = useState<string | null>(null);
  const remove = async () => {
    if (removed === null) return;
    await client.delete("/api/v1/admin/secrets/{name}", { path: { name: removed } });
    await invalidate("/api/v1/admin/secrets");
    showDone(words.removed(removed));
  };
  const create = (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setEdited("new")}>
      {words.create}
    </Button>
  );
  return (
    <Page title={words.title} description={words.description} actions={list.items.length > 0 ? create : null}>
      <DataTable
        label={words.title}
        list={list}
        columns={columnsOf(setEdited, setRemoved)}
        idOf={({ name }) => name}
        empty={<Empty title={words.empty} hint={words.emptyHint} action={create} />}
      />
      {edited && <SecretDialog secret={edited === "new" ? null : edited} onClose={() => setEdited(null)} />}
      <Confirm
        isOpen={removed !== null}
        onClose={() => setRemoved(null)}
        title={words.removeTitle(removed ?? "")}
        action={words.removeNow}
        isDangerous
        run={remove}
      >
        {words.removeHint}
      </Confirm>
    </Page>
  );
}

function columnsOf(
  replace: (secret: Secret) => void,
  remove: (name: string) => void,
): readonly Column<Secret>[] {
  return [
    {
      name: words.name,
      isTitle: true,
      cell: ({ name }) => (
        <Text span size="sm" fw={550} ff="monospace">
          {name}
        </Text>
      ),
    },
    { name: words.hosts, cell: ({ hosts }) => (hosts.length > 0 ? hosts.join(", ") : words.anyHost) },
    { name: words.use, cell: ({ is_shared }) => words.uses[is_shared ? "yes" : "no"] },
    {
      name: words.set,
      cell: ({ set_at, set_by_username }) => (
        <>
          <Moment at={set_at} /> {set_by_username === null ? words.byCommand : words.by(set_by_username)}
        </>
      ),
    },
    {
      name: words.lastUsed,
      cell: ({ last_used_at }) => (last_used_at ? <Moment at={last_used_at} /> : words.neverUsed),
    },
    {
      name: words.actions,
      cell: (secret) => (
        <Group gap={4} wrap="nowrap" justify="flex-end">
          <Button size="compact-sm" variant="default" onClick={() => replace(secret)}>
            {words.replace}
          </Button>
          <Button size="compact-sm" variant="subtle" color="red" onClick={() => remove(secret.name)}>
            {words.remove}
          </Button>
        </Group>
      ),
    },
  ];
}
