import { Alert, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import type { Schemas } from "../../../../client/operations.ts";
import { useLive } from "../../../api/live.ts";
import { apiQuery } from "../../../api/queries.ts";
import { Copy } from "../../../parts/copy.tsx";
import { Facts } from "../../../parts/facts.tsx";
import { Failure, Loading } from "../../../parts/feedback.tsx";
import { formatCount, formatShare } from "../../../parts/format.ts";
import { Moment } from "../../../parts/moment.tsx";
import { Owner } from "../../../parts/owner.tsx";
import { Page } from "../../../parts/page.tsx";
import { Section } from "../../../parts/section.tsx";
import { StateBadge } from "../../../parts/states.tsx";
import { adminWorkWords as words } from "../../../words/admin-work.ts";
import { words as common } from "../../../words/common.ts";
import { ROW_STATUSES } from "../../batches/choices.ts";
import { OutcomeBar, outcomeName, shareDone } from "../../batches/outcome-bar.tsx";
import { BatchActions } from "./batch-actions.tsx";

type Batch = Schemas["AdminBatch"];

/** One import of any user, without its rows. */
export function BatchPage() {
  const { batchId = "" } = useParams({ strict: false });
  useLive({ batches: [batchId] });
  const { data, error, refetch } = useQuery(
    apiQuery("/api/v1/admin/batches/{batch_id}", { path: { batch_id: batchId } }),
  );
  if (!data) return error ? <Failure error={error} onRetry={() => void refetch()} /> : <Loading />;
  return (
    <Page
      title={data.filename}
      parent={{ to: "/admin/batches", name: words.batches }}
      badge={<StateBadge state={data.state} />}
      actions={<BatchActions batch={data} />}
    >
      {data.reason && <Alert color="yellow">{data.reason}</Alert>}
      <Outcome batch={data} />
      <Details batch={data} />
    </Page>
  );
}

function Outcome({ batch }: { readonly batch: Batch }) {
  const { counts, state, records } = batch;
  return (
    <Section title={words.outcome}>
      <OutcomeBar batch={batch} height={12} />
      <Facts
        facts={[
          [words.progress, formatShare(shareDone(batch))],
          [words.rows, formatCount(counts.total)],
          ...ROW_STATUSES.filter((status) => counts[status] > 0).map(
            (status) => [outcomeName(status, state), formatCount(counts[status])] as const,
          ),
          [words.created_, records.created > 0 && formatCount(records.created)],
          [words.updated, records.updated > 0 && formatCount(records.updated)],
          [words.unchanged, records.unchanged > 0 && formatCount(records.unchanged)],
        ]}
      />
      <Text size="sm" c="dimmed">
        {words.theirs}
      </Text>
    </Section>
  );
}

function Details({ batch }: { readonly batch: Batch }) {
  return (
    <Section title={words.details}>
      <Stack>
        <Facts
          facts={[
            [
              words.id,
              <span key="id">
                {batch.id} <Copy value={batch.id} />
              </span>,
            ],
            [words.owner, <Owner key="owner" id={batch.user_id} />],
            [words.target, batch.target],
            [words.mode, batch.mode],
            [words.policy, batch.policy],
            [words.dryRun, batch.dry_run && common.yes],
            [words.speed, batch.rows_per_second !== null && formatCount(batch.rows_per_second)],
            [words.created, <Moment key="created" at={batch.created_at} exact />],
            [words.started, batch.started_at && <Moment key="started" at={batch.started_at} exact />],
            [words.ended, batch.finished_at && <Moment key="ended" at={batch.finished_at} exact />],
            [words.sha, batch.sha256],
          ]}
        />
      </Stack>
    </Section>
  );
}
