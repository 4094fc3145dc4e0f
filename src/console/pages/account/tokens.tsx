import { Button, Group, Stack, Text } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import type { AnswerOf, ItemOf, OperationOf } from "../../../client/operations.ts";
import { client } from "../../api/client.ts";
import { invalidate, useApiList } from "../../api/queries.ts";
import { Confirm } from "../../parts/confirm.tsx";
import { type Column, DataTable } from "../../parts/data-table.tsx";
import { Empty, showDone } from "../../parts/feedback.tsx";
import { Moment } from "../../parts/moment.tsx";
import { Secret } from "../../parts/secret.tsx";
import { Snippet } from "../../parts/snippet.tsx";
import { tokenWords as words } from "../../words/account.ts";
import { words as common } from "../../words/common.ts";
import { NewToken } from "./new-token.tsx";
import { Section } from "./section.tsx";

type Token = ItemOf<OperationOf<"get", "/api/v1/auth/tokens">>;
type CreatedToken = AnswerOf<OperationOf<"post", "/api/v1/auth/tokens">>;

export function Tokens() {
  const list = useApiList("/api/v1/auth/tokens");
  const [isCreating, setCreating] = useState(false);
  const [created, setCreated] = useState<CreatedToken | null>(null);
  const [revoked, setRevoked] = useState<Token | null>(null);
  const create = (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setCreating(true)}>
      {words.create}
    </Button>
  );
  return (
    <Section
      title={words.title}
      description={words.description}
      actions={list.items.length > 0 ? create : null}
    >
      <DataTable
        label={words.title}
        list={list}
        columns={columnsOf(setRevoked)}
        idOf={({ id }) => String(id)}
        empty={<Empty title={words.empty} hint={words.emptyHint} action={create} />}
      />
      {isCreating && (
        <NewToken
          onClose={() => setCreating(false)}
          onCreated={(token) => {
            setCreated(token);
            void invalidate("/api/v1/auth/tokens");
          }}
        />
      )}
      {created && (
        <Secret
          title={words.createdTitle(created.name)}
          label={words.token}
          secret={created.token}
          onClose={() => setCreated(null)}
        >
          <Stack gap={6}>
            <Text size="sm" fw={550}>
              {words.example}
            </Text>
            <Snippet label={words.example} text={curlOf(created.token)} />
          </Stack>
        </Secret>
      )}
      {revoked && (
        <Confirm
          isOpen
          onClose={() => setRevoked(null)}
          title={words.revokeTitle(revoked.name)}
          action={words.revoke}
          isDangerous
          run={async () => {
            await client.delete("/api/v1/auth/tokens/{id}", { path: { id: revoked.id } });
            showDone(words.revoked);
            await invalidate("/api/v1/auth/tokens");
          }}
        >
          {words.revokeHint}
        </Confirm>
      )}
    </Section>
  );
}

function curlOf(token: string): string {
  return `curl ${location.origin}/api/v1/batches \\\n  -H 'Authorization: Bearer ${token}'`;
}

function columnsOf(revoke: (token: Token) => void): readonly Column<Token>[] {
  return [
    {
      name: words.name,
      isTitle: true,
      cell: ({ name, hint }) => (
        <Group gap="xs" wrap="nowrap" miw={0}>
          <Text size="sm" fw={550} truncate title={name}>
            {name}
          </Text>
          <Text size="xs" c="dimmed" ff="monospace" style={{ flex: "none" }}>
            {words.ending(hint)}
          </Text>
        </Group>
      ),
    },
    {
      name: words.lastUsed,
      cell: ({ last_used_at }) => (last_used_at ? <Moment at={last_used_at} /> : words.notUsed),
    },
    {
      name: words.expires,
      cell: ({ expires_at }) => (expires_at ? <Moment at={expires_at} /> : words.never),
    },
    { name: words.created, cell: ({ created_at }) => <Moment at={created_at} /> },
    {
      name: common.actions,
      isNumber: true,
      cell: (token) => (
        <Button size="compact-xs" variant="subtle" color="red" onClick={() => revoke(token)}>
          {words.revoke}
        </Button>
      ),
    },
  ];
}
