import {
  ActionIcon,
  Anchor,
  Button,
  Group,
  NativeSelect,
  SegmentedControl,
  Text,
  Tooltip,
} from "@mantine/core";
import { IconMail, IconMailOpened, IconTrash } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import type { Schemas } from "../../../client/operations.ts";
import { client } from "../../api/client.ts";
import { apiQuery, invalidate, useApiList } from "../../api/queries.ts";
import { type Column, DataTable } from "../../parts/data-table.tsx";
import { Empty, showDone, showFailure } from "../../parts/feedback.tsx";
import { formatCount } from "../../parts/format.ts";
import { ButtonTo } from "../../parts/link.tsx";
import { Moment } from "../../parts/moment.tsx";
import { Page } from "../../parts/page.tsx";
import { Toolbar } from "../../parts/toolbar.tsx";
import { useBusy } from "../../parts/use-busy.ts";
import { words as common } from "../../words/common.ts";
import { inboxWords as words } from "../../words/inbox.ts";
import { kindWords } from "../../words/kinds.ts";
import { KINDS, subjectPath } from "./subject.ts";

type Notification = Schemas["Notification"];

const PATH = "/api/v1/notifications";
const ONE = `${PATH}/{notification_id}` as const;
const route = getRouteApi("/signed-in/inbox");

const columns: readonly Column<Notification>[] = [
  {
    name: words.event,
    isTitle: true,
    cell: (notification) => <Event notification={notification} />,
  },
  { name: words.kind, cell: ({ kind }) => kindWords[kind] ?? kind },
  { name: words.when, cell: ({ created_at }) => <Moment at={created_at} /> },
  {
    name: common.actions,
    isNumber: true,
    cell: (notification) => {
      const next = notification.read_at === null ? "read" : "unread";
      return (
        <Group gap={4} justify="flex-end" wrap="nowrap">
          <Action
            label={next === "read" ? words.markRead : words.markUnread}
            icon={next === "read" ? IconMailOpened : IconMail}
            work={() => mark(notification, next)}
          />
          <Action label={common.delete} icon={IconTrash} work={() => remove(notification)} />
        </Group>
      );
    },
  },
];

export function InboxPage() {
  const { unread, kind } = route.useSearch();
  const navigate = route.useNavigate();
  const list = useApiList(PATH, { query: { ...(unread ? { unread } : {}), ...(kind ? { kind } : {}) } });
  const { data: counted } = useQuery(apiQuery(`${PATH}/unread-count`));
  const open = (notification: Notification) => {
    const path = subjectPath(notification);
    markOpened(notification);
    if (path !== null) void navigate({ to: path });
  };
  const [isMarking, run] = useBusy();
  const markAll = () =>
    change(async () => {
      const { marked } = await client.post(`${PATH}/read`, { body: {} });
      showDone(words.marked(formatCount(marked)));
    });
  return (
    <Page
      title={words.title}
      description={words.description}
      actions={
        <>
          <ButtonTo to="/account" search={{ section: "notifications" }} variant="subtle" color="gray">
            {words.preferences}
          </ButtonTo>
          <Button
            variant="default"
            loading={isMarking}
            disabled={!counted?.unread}
            onClick={() => run(markAll)}
          >
            {words.markAllRead}
          </Button>
        </>
      }
    >
      <Toolbar
        updatedAt={list.updatedAt}
        onRefresh={list.refetch}
        onClear={unread || kind ? () => void navigate({ search: {} }) : undefined}
      >
        <SegmentedControl
          size="xs"
          miw={140}
          aria-label={words.show}
          value={unread ? "unread" : "all"}
          onChange={(value) =>
            void navigate({
              search: ({ unread: _, ...rest }) => (value === "unread" ? { ...rest, unread: true } : rest),
            })
          }
          data={(["all", "unread"] as const).map((value) => ({ value, label: words.shown[value] }))}
        />
        <NativeSelect
          size="xs"
          aria-label={words.kind}
          value={kind ?? ""}
          onChange={({ currentTarget }) => {
            const chosen = KINDS.find((known) => known === currentTarget.value);
            void navigate({ search: ({ kind: _, ...rest }) => (chosen ? { ...rest, kind: chosen } : rest) });
          }}
          data={[
            { value: "", label: words.anyKind },
            ...KINDS.map((value) => ({ value, label: kindWords[value] ?? value })),
          ]}
        />
      </Toolbar>
      <DataTable
        label={words.title}
        list={list}
        columns={columns}
        idOf={({ id }) => id}
        onOpen={open}
        empty={
          unread || kind ? (
            <Empty title={words.emptyFilter} hint={words.emptyFilterHint} />
          ) : (
            <Empty title={words.empty} hint={words.emptyHint} />
          )
        }
      />
    </Page>
  );
}

interface ActionProps {
  readonly label: string;
  readonly icon: typeof IconTrash;
  readonly work: () => Promise<void>;
}

/** Ignores further clicks until the list shows the change: a notification that is deleted twice is not found. */
function Action({ label, icon: Icon, work }: ActionProps) {
  const [, run] = useBusy();
  return (
    <Tooltip label={label}>
      <ActionIcon variant="subtle" color="gray" aria-label={label} onClick={() => run(work)}>
        <Icon size={16} />
      </ActionIcon>
    </Tooltip>
  );
}

/** Shows what it has changed, also in the bell of the frame. */
async function change(run: () => Promise<unknown>): Promise<void> {
  try {
    await run();
  } finally {
    await invalidate(PATH);
  }
}

function mark({ id }: Notification, as: "read" | "unread"): Promise<void> {
  return change(() => client.post(`${ONE}/${as}`, { path: { notification_id: id } }));
}

function remove({ id }: Notification): Promise<void> {
  return change(() => client.delete(ONE, { path: { notification_id: id } }));
}

function markOpened(notification: Notification): void {
  if (notification.read_at === null) void mark(notification, "read").catch(showFailure);
}

function Event({ notification }: { readonly notification: Notification }) {
  const { text, read_at, limit_reached } = notification;
  const path = subjectPath(notification);
  const isUnread = read_at === null;
  return (
    <Group gap="xs" wrap="nowrap" align="flex-start">
      <span
        {...(isUnread ? { role: "img", "aria-label": words.unread } : {})}
        style={{
          flex: "none",
          width: 8,
          height: 8,
          marginTop: 6,
          borderRadius: 4,
          background: isUnread ? "var(--rowmill-running)" : "transparent",
        }}
      />
      <div style={{ whiteSpace: "normal", overflowWrap: "anywhere" }}>
        {path === null ? (
          <Text size="sm" fw={isUnread ? 600 : 400}>
            {text}
          </Text>
        ) : (
          <Anchor
            component={Link}
            to={path}
            size="sm"
            style={{ fontWeight: isUnread ? 600 : 400 }}
            onClick={() => markOpened(notification)}
          >
            {text}
          </Anchor>
        )}
        {limit_reached && (
          <Text size="xs" c="dimmed">
            {words.limit}
          </Text>
        )}
      </div>
    </Group>
  );
}
