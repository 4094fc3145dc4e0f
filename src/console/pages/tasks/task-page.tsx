import "@mantine/core/styles/Grid.layer.css";
import { Alert, Grid, Progress, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import type { Schemas } from "../../../client/operations.ts";
import { useLive } from "../../api/live.ts";
import { apiQuery } from "../../api/queries.ts";
import { announce } from "../../parts/announce.ts";
import { Failure, Loading } from "../../parts/feedback.tsx";
import { formatShare } from "../../parts/format.ts";
import { JsonBlock } from "../../parts/json.tsx";
import { Page } from "../../parts/page.tsx";
import { Section } from "../../parts/section.tsx";
import { StateBadge } from "../../parts/states.tsx";
import { navigationWords } from "../../words/common.ts";
import { stateWords } from "../../words/states.ts";
import { taskWords as words } from "../../words/tasks.ts";
import { titleOf } from "./form/fields.ts";
import { TaskActions } from "./task-actions.tsx";
import { TaskFacts } from "./task-facts.tsx";
import { isOpen, nameOf } from "./task-names.ts";
import { TaskOutcome } from "./task-outcome.tsx";
import { TaskTimeline } from "./task-timeline.tsx";

type Task = Schemas["Task"];

export function OwnTaskPage() {
  const { taskId } = useParams({ from: "/signed-in/tasks/$taskId" });
  const found = useQuery(apiQuery("/api/v1/tasks/{task_id}", { path: { task_id: taskId } }));
  return <TaskPage task={found.data} error={found.error} refetch={() => void found.refetch()} isOwn />;
}

export function AnyTaskPage() {
  const { taskId } = useParams({ from: "/signed-in/operator/admin/tasks/$taskId" });
  const found = useQuery(apiQuery("/api/v1/admin/tasks/{task_id}", { path: { task_id: taskId } }));
  return (
    <TaskPage task={found.data} error={found.error} refetch={() => void found.refetch()} isOwn={false} />
  );
}

interface TaskPageProps {
  readonly task: Task | undefined;
  readonly error: unknown;
  readonly refetch: () => void;
  readonly isOwn: boolean;
}

function TaskPage({ task, error, refetch, isOwn }: TaskPageProps) {
  if (task) return <OneTask task={task} isOwn={isOwn} />;
  return error ? <Failure error={error} onRetry={refetch} /> : <Loading />;
}

function OneTask({ task, isOwn }: { readonly task: Task; readonly isOwn: boolean }) {
  useLive(isOpen(task) ? { tasks: [task.id] } : {});
  return (
    <Page
      title={nameOf(task)}
      description={task.description || titleOf(task.type)}
      badge={<StateBadge state={task.status} />}
      parent={
        isOwn ? { to: "/tasks", name: words.title } : { to: "/admin/tasks", name: navigationWords.allTasks }
      }
      actions={<TaskActions task={task} isOwn={isOwn} />}
    >
      {isOpen(task) && <LiveProgress task={task} isOwn={isOwn} />}
      <AnnounceEnd task={task} />
      <Grid gap="md">
        <Grid.Col span={{ base: 12, md: 8 }}>
          <Stack gap="md">
            <TaskOutcome task={task} isOwn={isOwn} />
            <TaskTimeline task={task} isOwn={isOwn} />
            <Section title={words.input}>
              <JsonBlock value={task.params} label={words.json} />
              {Object.keys(task.metadata).length > 0 && (
                <JsonBlock value={task.metadata} label={words.metadata} />
              )}
            </Section>
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 4 }}>
          <Section title={words.details}>
            <TaskFacts task={task} isOwn={isOwn} />
          </Section>
        </Grid.Col>
      </Grid>
    </Page>
  );
}

function LiveProgress({ task, isOwn }: { readonly task: Task; readonly isOwn: boolean }) {
  // Steps of the work have messages. Only the owner can read them.
  const reports = useQuery({
    ...apiQuery("/api/v1/tasks/{task_id}/progress", { path: { task_id: task.id }, query: { limit: 100 } }),
    enabled: isOwn && task.status === "processing",
  });
  const message = reports.data?.items.at(-1)?.message ?? "";
  const percent = formatShare(task.progress / 100);
  const name = nameOf(task);
  useEffect(() => {
    if (task.status === "processing") announce(words.announced(name, percent, message));
  }, [name, percent, message, task.status]);
  return (
    <Stack className="panel" p="md" gap={8}>
      <Text size="sm" fw={550}>
        {task.status === "pending" ? reasonToWait(task) : `${percent} ${message && `· ${message}`}`}
      </Text>
      <Progress value={task.progress} size="lg" radius="xl" aria-label={words.progress} />
      {task.error_message && (
        <Alert color="orange" variant="light">
          {task.error_message}
        </Alert>
      )}
    </Stack>
  );
}

function reasonToWait({ due_at, retry_count }: Task): string {
  if (due_at === null) return words.waiting.task;
  return retry_count > 0 ? words.waiting.later : words.waiting.worker;
}

/** Tells screen readers that the task has ended, if it was open when the page opened. */
function AnnounceEnd({ task }: { readonly task: Task }) {
  const wasOpen = useRef(isOpen(task));
  useEffect(() => {
    if (wasOpen.current && !isOpen(task)) {
      announce(words.ended(nameOf(task), stateWords[task.status] ?? task.status), true);
    }
    wasOpen.current = isOpen(task);
  }, [task]);
  return null;
}
