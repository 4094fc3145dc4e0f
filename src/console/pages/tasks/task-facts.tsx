import type { Schemas } from "../../../client/operations.ts";
import { ShortId } from "../../parts/copy.tsx";
import { Facts } from "../../parts/facts.tsx";
import { formatBytes, formatCount, formatDuration } from "../../parts/format.ts";
import { LinkTo } from "../../parts/link.tsx";
import { Moment, useNow } from "../../parts/moment.tsx";
import { Owner } from "../../parts/owner.tsx";
import { taskWords } from "../../words/tasks.ts";
import { isOpen } from "./task-names.ts";

type Task = Schemas["Task"];

const words = taskWords.facts;

export function TaskFacts({ task, isOwn }: { readonly task: Task; readonly isOwn: boolean }) {
  const ended = task.completed_at ?? task.cancelled_at;
  return (
    <Facts
      facts={[
        [words.id, <ShortId key="id" id={task.id} />],
        [words.owner, !isOwn && <Owner id={task.user_id} />],
        [words.reason, task.cancel_reason],
        [words.file, task.file && `${task.file.name} · ${formatBytes(task.file.bytes)}`],
        [words.workflow, task.workflow_id && <WorkflowLink id={task.workflow_id} isOwn={isOwn} />],
        [words.schedule, task.schedule_id && <ScheduleLink id={task.schedule_id} isOwn={isOwn} />],
        [words.after, task.after_id && <TaskLink id={task.after_id} isOwn={isOwn} />],
        [
          words.group,
          isOwn && task.group_id && (
            <LinkTo to="/tasks" search={{ group: task.group_id }} size="sm">
              {words.groupLink}
            </LinkTo>
          ),
        ],
        [words.tags, task.tags.join(", ")],
        [words.queue, task.queue],
        [words.priority, formatCount(task.priority)],
        [words.retries, words.retriesOf(formatCount(task.retry_count), formatCount(task.max_retries))],
        [words.created, <Moment key="created" at={task.created_at} />],
        [words.due, isOpen(task) && task.due_at && <Moment at={task.due_at} />],
        [words.started, task.started_at && <Moment at={task.started_at} />],
        [words.ended, ended && <Moment at={ended} />],
        [words.duration, task.started_at && <Duration from={task.started_at} to={ended} />],
        [words.job, <ShortId key="job" id={task.job_id} />],
      ]}
    />
  );
}

function WorkflowLink({ id, isOwn }: { readonly id: string; readonly isOwn: boolean }) {
  return (
    <LinkTo
      to={isOwn ? "/workflows/$workflowId" : "/admin/workflows/$workflowId"}
      params={{ workflowId: id }}
      size="sm"
    >
      {id.slice(0, 8)}…
    </LinkTo>
  );
}

function ScheduleLink({ id, isOwn }: { readonly id: string; readonly isOwn: boolean }) {
  return (
    <LinkTo
      to={isOwn ? "/schedules/$scheduleId" : "/admin/schedules/$scheduleId"}
      params={{ scheduleId: id }}
      size="sm"
    >
      {id.slice(0, 8)}…
    </LinkTo>
  );
}

function TaskLink({ id, isOwn }: { readonly id: string; readonly isOwn: boolean }) {
  return (
    <LinkTo to={isOwn ? "/tasks/$taskId" : "/admin/tasks/$taskId"} params={{ taskId: id }} size="sm">
      {id.slice(0, 8)}…
    </LinkTo>
  );
}

function Duration({ from, to }: { readonly from: string; readonly to: string | null }) {
  const now = useNow(1);
  const seconds = ((to ? Date.parse(to) : now) - Date.parse(from)) / 1000;
  return formatDuration(Math.max(0, seconds));
}
