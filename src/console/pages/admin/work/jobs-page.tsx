import type { ItemOf, OperationOf } from "../../../../client/operations.ts";
import { useApiList } from "../../../api/queries.ts";
import { Choice, stateOptions } from "../../../parts/choice.tsx";
import { type Column, DataTable } from "../../../parts/data-table.tsx";
import { Empty } from "../../../parts/feedback.tsx";
import { formatCount } from "../../../parts/format.ts";
import { Moment } from "../../../parts/moment.tsx";
import { Page } from "../../../parts/page.tsx";
import { StateBadge } from "../../../parts/states.tsx";
import { Toolbar } from "../../../parts/toolbar.tsx";
import { useEvery } from "../../../parts/use-every.ts";
import { adminWorkWords as words } from "../../../words/admin-work.ts";
import { queueWords } from "../../../words/queues.ts";
import { queueOptions } from "../shared/choices.ts";
import { ItemLink } from "../shared/item-link.tsx";
import { JOB_STATES, type JobSearch } from "../shared/search-shapes.ts";
import { useFilter } from "../shared/use-filter.ts";
import { JobDialog } from "./job-dialog.tsx";
import { JobWork } from "./job-work.tsx";

type Job = ItemOf<OperationOf<"get", "/api/v1/admin/jobs">>;

const EVERY_SECONDS = 10;

const columns: readonly Column<Job>[] = [
  {
    name: words.job,
    isTitle: true,
    cell: ({ id, job }) => (
      <ItemLink field="job" id={id} title={id}>
        {job}
      </ItemLink>
    ),
  },
  { name: words.queue, cell: ({ queue }) => queueWords[queue] },
  { name: words.state, cell: ({ state }) => <StateBadge state={state} /> },
  { name: words.attempt, isNumber: true, cell: ({ attempt }) => formatCount(attempt) },
  {
    name: words.work,
    cell: (job) => <JobWork taskId={job.task_id} batchId={job.batch_id} />,
  },
  { name: words.due, cell: ({ due_at }) => <Moment at={due_at} /> },
  { name: words.since, cell: ({ since }) => <Moment at={since} /> },
];

export function JobsPage() {
  const { filter, change, clear } = useFilter<JobSearch>();
  const { job, ...query } = filter;
  const list = useApiList("/api/v1/admin/jobs", { query });
  useEvery(EVERY_SECONDS, list.refetch);
  return (
    <Page title={words.jobs} description={words.jobsDescription}>
      <Toolbar updatedAt={list.updatedAt} onRefresh={list.refetch} onClear={clear}>
        <Choice
          label={words.state}
          value={filter.state}
          options={stateOptions(JOB_STATES)}
          onChange={(state) => change({ state })}
        />
        <Choice
          label={words.queue}
          value={filter.queue}
          options={queueOptions}
          onChange={(queue) => change({ queue })}
        />
      </Toolbar>
      <DataTable
        label={words.jobs}
        list={list}
        columns={columns}
        idOf={({ id }) => id}
        onOpen={({ id }) => change({ job: id })}
        empty={
          filter.state || filter.queue ? (
            <Empty title={words.noMatch} hint={words.noMatchHint} />
          ) : (
            <Empty title={words.noJobs} hint={words.noJobsHint} />
          )
        }
      />
      {job && <JobDialog id={job} onClose={() => change({ job: undefined })} />}
    </Page>
  );
}
