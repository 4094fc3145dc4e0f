import { Button, Stack, Text, Title } from "@mantine/core";
import { useState } from "react";
import type { AnswerOf, OperationOf } from "../../../../client/operations.ts";
import { client } from "../../../api/client.ts";
import { apiQuery, invalidate, useItems } from "../../../api/queries.ts";
import { Confirm } from "../../../parts/confirm.tsx";
import { type Column, DataTable } from "../../../parts/data-table.tsx";
import { Empty, showDone } from "../../../parts/feedback.tsx";
import { Moment } from "../../../parts/moment.tsx";
import { outboxWords as words } from "../../../words/admin-service.ts";

type Suppression = AnswerOf<OperationOf<"get", "/api/v1/suppressions">>["items"][number];

/** Addresses that get no mail, until an admin allows them again. */
export function Suppressions() {
  const list = useItems(apiQuery("/api/v1/suppressions"));
  const [asked, setAsked] = useState("");
  const allow = async () => {
    await client.delete("/api/v1/suppressions/{address}", { path: { address: asked } });
    await invalidate("/api/v1/suppressions");
    showDone(words.allowed(asked));
  };
  const columns: readonly Column<Suppression>[] = [
    { name: words.address, isTitle: true, cell: ({ address }) => <span title={address}>{address}</span> },
    { name: words.scope, cell: ({ scope }) => words.scopes[scope] },
    { name: words.reply, cell: ({ reply }) => reply && <span title={reply}>{reply}</span> },
    { name: words.since, cell: ({ created_at }) => <Moment at={created_at} /> },
    {
      name: words.actions,
      cell: ({ address }) => (
        <Button size="compact-sm" variant="default" onClick={() => setAsked(address)}>
          {words.allow}
        </Button>
      ),
    },
  ];
  return (
    <Stack gap="sm" component="section" aria-label={words.suppressions}>
      <div>
        <Title order={2}>{words.suppressions}</Title>
        <Text size="sm" c="dimmed">
          {words.suppressionsHint}
        </Text>
      </div>
      <DataTable
        label={words.suppressions}
        list={list}
        columns={columns}
        idOf={({ address }) => address}
        empty={<Empty title={words.noSuppressions} hint={words.noSuppressionsHint} />}
      />
      <Confirm
        isOpen={asked !== ""}
        onClose={() => setAsked("")}
        title={words.allowTitle(asked)}
        action={words.allowNow}
        run={allow}
      >
        {words.allowHint}
      </Confirm>
    </Stack>
  );
}
