import { Group, Stack, Text } from "@mantine/core";
import type { ItemOf, OperationOf } from "../../../../client/operations.ts";
import { formatCount } from "../../../parts/format.ts";
import { LinkTo } from "../../../parts/link.tsx";
import { Moment } from "../../../parts/moment.tsx";
import { workerWords as words } from "../../../words/admin-overview.ts";
import { titleOf } from "../../tasks/form/fields.ts";
import { JobWork } from "../work/job-work.tsx";

type Job = ItemOf<OperationOf<"get", "/api/v1/admin/workers">>["running"][number];

const SHOWN = 4;

/** The jobs that a worker runs now, with links to what they work on. */
export function RunningJobs({ jobs }: { readonly jobs: readonly Job[] }) {
  if (jobs.length === 0) {
    return (
      <Text span size="sm" c="dimmed">
        {words.idle}
      </Text>
    );
  }
  return (
    <Stack gap={2} align="flex-start">
      {jobs.slice(0, SHOWN).map((job) => (
        <Group key={job.id} gap={6} wrap="nowrap">
          <Text span size="sm">
            {titleOf(job.job)}
          </Text>
          <RunningWork job={job} />
          <Text span size="xs" c="dimmed">
            <Moment at={job.since} />
          </Text>
        </Group>
      ))}
      {jobs.length > SHOWN && (
        <LinkTo to="/admin/jobs" search={{ state: "active" }} size="xs">
          {words.moreJobs(formatCount(jobs.length - SHOWN))}
        </LinkTo>
      )}
    </Stack>
  );
}

function RunningWork({ job }: { readonly job: Job }) {
  const { task_id, batch_id, workflow_id } = job;
  if (!task_id && !batch_id && workflow_id) {
    return (
      <LinkTo to="/admin/workflows/$workflowId" params={{ workflowId: workflow_id }} size="sm">
        {workflow_id.slice(-8)}
      </LinkTo>
    );
  }
  return <JobWork taskId={task_id} batchId={batch_id} />;
}
