import "@mantine/core/styles/Timeline.layer.css";
import { Button, Group, Text, Timeline } from "@mantine/core";
import {
  IconCheck,
  IconClock,
  IconPlayerPlay,
  IconPlus,
  IconReload,
  IconTrendingUp,
  IconX,
} from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import type { Schemas } from "../../../client/operations.ts";
import { apiQuery, type List, useApiList } from "../../api/queries.ts";
import { isOperator, useCurrentUser } from "../../api/session.ts";
import { Failure, Loading } from "../../parts/feedback.tsx";
import { Moment } from "../../parts/moment.tsx";
import { Section } from "../../parts/section.tsx";
import { Snippet } from "../../parts/snippet.tsx";
import { words as commonWords } from "../../words/common.ts";
import { taskWords as words } from "../../words/tasks.ts";
import { isOpen } from "./task-names.ts";

type Task = Schemas["Task"];

interface Event {
  readonly type: keyof typeof words.events;
  readonly message: string;
  readonly actor_id: number | null;
  readonly created_at: string;
}

const LOOKS: Readonly<Record<Event["type"], readonly [icon: typeof IconCheck, color: string]>> = {
  created: [IconPlus, "gray"],
  queued: [IconClock, "gray"],
  started: [IconPlayerPlay, "indigo"],
  progress: [IconTrendingUp, "indigo"],
  completed: [IconCheck, "green"],
  failed: [IconX, "red"],
  retrying: [IconReload, "orange"],
  cancelled: [IconX, "gray"],
};

export function TaskTimeline({ task, isOwn }: { readonly task: Task; readonly isOwn: boolean }) {
  return isOwn ? <OwnTimeline task={task} /> : <AnyTimeline task={task} />;
}

function OwnTimeline({ task }: { readonly task: Task }) {
  const list = useApiList("/api/v1/tasks/{task_id}/history", {
    path: { task_id: task.id },
    query: { limit: 100 },
  });
  return <Events list={list} task={task} />;
}

function AnyTimeline({ task }: { readonly task: Task }) {
  const list = useApiList("/api/v1/admin/tasks/{task_id}/history", {
    path: { task_id: task.id },
    query: { limit: 100 },
  });
  return <Events list={list} task={task} />;
}

function Events({ list, task }: { readonly list: List<Event>; readonly task: Task }) {
  const user = useCurrentUser();
  return (
    <Section title={words.timeline}>
      {list.isLoading && <Loading lines={4} />}
      {list.error !== null && list.items.length === 0 && (
        <Failure error={list.error} onRetry={list.refetch} />
      )}
      <Timeline bulletSize={24} lineWidth={2} active={list.items.length}>
        {list.items.map((event, at) => {
          const [Icon, color] = LOOKS[event.type];
          return (
            <Timeline.Item
              key={`${event.created_at}-${at}`}
              bullet={<Icon size={13} aria-hidden />}
              color={color}
              title={
                <Group gap="xs" justify="space-between">
                  <Text size="sm" fw={550}>
                    {words.events[event.type]}
                  </Text>
                  <Text size="xs" c="dimmed" component="span">
                    <Moment at={event.created_at} />
                  </Text>
                </Group>
              }
            >
              <Text size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }}>
                {event.message}
                {event.actor_id !== null &&
                  event.actor_id !== user.id &&
                  ` (${words.byUser(event.actor_id)})`}
              </Text>
            </Timeline.Item>
          );
        })}
      </Timeline>
      {list.hasMore && (
        <Button variant="default" size="xs" loading={list.isLoadingMore} onClick={list.loadMore}>
          {commonWords.more}
        </Button>
      )}
      {isOperator(user) && task.error_message !== null && !isOpen(task) && <Stack jobId={task.job_id} />}
    </Section>
  );
}

/** Only operators and administrators get it. */
function Stack({ jobId }: { readonly jobId: string }) {
  const { data } = useQuery(apiQuery("/api/v1/jobs/{job_id}", { path: { job_id: jobId } }));
  const stack = data?.error?.stack;
  if (!stack) return null;
  return (
    <details>
      <Text component="summary" size="sm" style={{ cursor: "pointer" }}>
        {words.stack}
      </Text>
      <Snippet text={stack} label={words.stack} />
    </details>
  );
}
