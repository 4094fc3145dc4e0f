import { Group, Text } from "@mantine/core";
import { LinkTo } from "../../parts/link.tsx";
import { StateBadge } from "../../parts/states.tsx";
import { scheduleWords as words } from "../../words/schedules.ts";
import type { Tick } from "./schedule-names.ts";

/** "created" of a tick means that its work has started. */
export function TickBadge({ tick }: { readonly tick: Tick }) {
  return <StateBadge state={tick.state === "created" ? "started" : tick.state} />;
}

export function TickWork({ tick, isOwn }: { readonly tick: Tick; readonly isOwn: boolean }) {
  const { task_id, workflow_id, job_id } = tick;
  if (task_id) {
    return (
      <LinkTo to={isOwn ? "/tasks/$taskId" : "/admin/tasks/$taskId"} params={{ taskId: task_id }} size="sm">
        {words.openTask}
      </LinkTo>
    );
  }
  if (workflow_id) {
    return (
      <LinkTo
        to={isOwn ? "/workflows/$workflowId" : "/admin/workflows/$workflowId"}
        params={{ workflowId: workflow_id }}
        size="sm"
      >
        {words.openWorkflow}
      </LinkTo>
    );
  }
  return job_id ? (
    <Group gap={4} title={job_id}>
      <Text size="sm">
        {words.tick.job} {job_id.slice(0, 8)}…
      </Text>
    </Group>
  ) : (
    <span aria-hidden>–</span>
  );
}
