import { Code, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { apiQuery } from "../../../api/queries.ts";
import { Copy } from "../../../parts/copy.tsx";
import { Dialog } from "../../../parts/dialog.tsx";
import { Facts } from "../../../parts/facts.tsx";
import { Failure, Loading } from "../../../parts/feedback.tsx";
import { formatCount } from "../../../parts/format.ts";
import { JsonBlock } from "../../../parts/json.tsx";
import { Moment } from "../../../parts/moment.tsx";
import { Snippet } from "../../../parts/snippet.tsx";
import { StateBadge } from "../../../parts/states.tsx";
import { adminWorkWords as words } from "../../../words/admin-work.ts";
import { queueWords } from "../../../words/queues.ts";
import { JobWork } from "./job-work.tsx";

export function JobDialog({ id, onClose }: { readonly id: string; readonly onClose: () => void }) {
  const { data: job, error } = useQuery(apiQuery("/api/v1/jobs/{job_id}", { path: { job_id: id } }));
  return (
    <Dialog onClose={onClose} size="lg" title={job?.job ?? words.job}>
      {error ? <Failure error={error} /> : null}
      {!job && !error && <Loading />}
      {job && (
        <Stack gap="md">
          <Facts
            facts={[
              [
                words.job,
                <span key="id">
                  {id} <Copy value={id} />
                </span>,
              ],
              [words.state, <StateBadge key="state" state={job.state} />],
              [words.queue, job.queue && queueWords[job.queue]],
              [words.attempt, formatCount(job.attempts)],
              [words.work, <JobWork key="work" taskId={job.task_id} batchId={job.batch_id} />],
              [words.created, <Moment key="created" at={job.created_at} exact />],
              [words.due, job.due_at && <Moment key="due" at={job.due_at} exact />],
              [words.since, job.started_at && <Moment key="since" at={job.started_at} exact />],
              [words.ended, job.ended_at && <Moment key="ended" at={job.ended_at} exact />],
            ]}
          />
          {job.error && (
            <Stack gap={4}>
              <Text size="sm" c="red" style={{ overflowWrap: "anywhere" }}>
                {job.error.code && <Code>{job.error.code}</Code>} {job.error.message}
              </Text>
              {job.error.stack && <Snippet text={job.error.stack} label={words.stack} />}
            </Stack>
          )}
          {job.payload && <JsonBlock value={job.payload} label={words.payload} />}
          {job.result && <JsonBlock value={job.result} label={words.result} />}
        </Stack>
      )}
    </Dialog>
  );
}
