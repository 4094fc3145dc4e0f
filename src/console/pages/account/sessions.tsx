import { Badge, Button, Group, Text } from "@mantine/core";
import { useState } from "react";
import type { ItemOf, OperationOf } from "../../../client/operations.ts";
import { client } from "../../api/client.ts";
import { invalidate, useApiList } from "../../api/queries.ts";
import { Confirm } from "../../parts/confirm.tsx";
import { type Column, DataTable } from "../../parts/data-table.tsx";
import { Empty, showDone } from "../../parts/feedback.tsx";
import { formatCount } from "../../parts/format.ts";
import { Moment } from "../../parts/moment.tsx";
import { sessionListWords as words } from "../../words/account.ts";
import { words as common } from "../../words/common.ts";
import { deviceOf } from "./device.ts";
import { Section } from "./section.tsx";

type Session = ItemOf<OperationOf<"get", "/api/v1/auth/sessions">>;

const PATH = "/api/v1/auth/sessions";

export function Sessions() {
  const list = useApiList(PATH);
  const [asked, setAsked] = useState<Session | "others" | null>(null);
  const hasOthers = list.hasMore || list.items.some(({ is_current }) => !is_current);
  return (
    <Section
      title={words.title}
      description={words.description}
      actions={
        hasOthers && (
          <Button variant="default" size="xs" onClick={() => setAsked("others")}>
            {words.endOthers}
          </Button>
        )
      }
    >
      <DataTable
        label={words.title}
        list={list}
        columns={columnsOf(setAsked)}
        idOf={({ id }) => id}
        empty={<Empty title={words.empty} hint={words.emptyHint} />}
      />
      <Confirm
        isOpen={asked === "others"}
        onClose={() => setAsked(null)}
        title={words.endOthersTitle}
        action={words.endOthers}
        isDangerous
        run={async () => {
          const { ended } = await client.delete(PATH);
          showDone(words.othersEnded(formatCount(ended)));
          await invalidate(PATH);
        }}
      >
        {words.endOthersHint}
      </Confirm>
      {asked !== null && asked !== "others" && (
        <Confirm
          isOpen
          onClose={() => setAsked(null)}
          title={words.endTitle(nameOf(asked))}
          action={words.end}
          isDangerous
          run={async () => {
            await client.delete(`${PATH}/{session_id}`, { path: { session_id: asked.id } });
            showDone(words.ended);
            await invalidate(PATH);
          }}
        >
          {words.endHint}
        </Confirm>
      )}
    </Section>
  );
}

function columnsOf(end: (session: Session) => void): readonly Column<Session>[] {
  return [
    {
      name: words.device,
      isTitle: true,
      cell: (session) => (
        <Group gap="xs" wrap="nowrap">
          <Text size="sm" fw={550} title={session.user_agent}>
            {nameOf(session)}
          </Text>
          {session.is_current && (
            <Badge variant="light" color="green" radius="sm" tt="none">
              {words.current}
            </Badge>
          )}
        </Group>
      ),
    },
    { name: words.address, cell: ({ address }) => address || "–" },
    { name: words.lastUsed, cell: ({ last_used_at }) => <Moment at={last_used_at} /> },
    { name: words.started, cell: ({ created_at }) => <Moment at={created_at} /> },
    { name: words.ends, cell: ({ expires_at }) => <Moment at={expires_at} /> },
    {
      name: common.actions,
      isNumber: true,
      cell: (session) =>
        session.is_current ? null : (
          <Button size="compact-xs" variant="subtle" color="red" onClick={() => end(session)}>
            {words.end}
          </Button>
        ),
    },
  ];
}

function nameOf({ user_agent }: Session): string {
  const { program, system } = deviceOf(user_agent);
  if (program && system) return words.on(program, system);
  return program ?? system ?? (user_agent.slice(0, 60) || words.unknownDevice);
}
