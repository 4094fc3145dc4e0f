import { Alert, Group, Stack, Text, Title } from "@mantine/core";
import { type UseQueryResult, useQuery } from "@tanstack/react-query";
import type { Schemas } from "../../../client/operations.ts";
import { apiQuery } from "../../api/queries.ts";
import { Facts } from "../../parts/facts.tsx";
import { Failure, Loading } from "../../parts/feedback.tsx";
import { formatBytes } from "../../parts/format.ts";
import { JsonBlock } from "../../parts/json.tsx";
import { LinkTo } from "../../parts/link.tsx";
import { Moment } from "../../parts/moment.tsx";
import { SidePanel } from "../../parts/side-panel.tsx";
import { StateBadge } from "../../parts/states.tsx";
import { workflowWords } from "../../words/workflows.ts";
import { titleOf } from "../tasks/form/fields.ts";
import type { WorkflowDetail } from "./workflow-names.ts";

type StepDetail = Schemas["WorkflowStep"];

const words = workflowWords.drawer;
/** Neighbours that are named. */
const MAX_NAMES = 20;

interface StepDrawerProps {
  readonly workflow: WorkflowDetail;
  readonly name: string;
  readonly onClose: () => void;
  readonly isOwn: boolean;
}

export function StepDrawer({ workflow, name, onClose, isOwn }: StepDrawerProps) {
  return (
    <SidePanel title={name} onClose={onClose}>
      {isOwn ? <OwnStep workflow={workflow} name={name} /> : <AnyStep workflow={workflow} name={name} />}
    </SidePanel>
  );
}

interface StepProps {
  readonly workflow: WorkflowDetail;
  readonly name: string;
}

function OwnStep({ workflow, name }: StepProps) {
  const path = { workflow_id: workflow.id, name };
  const found = useQuery(apiQuery("/api/v1/workflows/{workflow_id}/steps/{name}", { path }));
  return <Content workflow={workflow} found={found} isOwn />;
}

function AnyStep({ workflow, name }: StepProps) {
  const path = { workflow_id: workflow.id, name };
  const found = useQuery(apiQuery("/api/v1/admin/workflows/{workflow_id}/steps/{name}", { path }));
  return <Content workflow={workflow} found={found} isOwn={false} />;
}

function Content({
  workflow,
  found,
  isOwn,
}: {
  readonly workflow: WorkflowDetail;
  readonly found: UseQueryResult<StepDetail>;
  readonly isOwn: boolean;
}) {
  if (found.error) return <Failure error={found.error} onRetry={() => void found.refetch()} />;
  const step = found.data;
  if (!step) return <Loading />;
  const names = (list: readonly string[]) =>
    list.slice(0, MAX_NAMES).join(", ") + (list.length > MAX_NAMES ? " …" : "");
  return (
    <Stack gap="lg">
      <Facts
        facts={[
          [words.state, <StateBadge key="state" state={step.state} />],
          [words.type, titleOf(step.type)],
          [words.when, words.whens[step.when]],
          [words.onFailure, words.onFailures[step.on_failure]],
          [words.after, names(workflow.edges.filter(({ to }) => to === step.name).map(({ from }) => from))],
          [words.before, names(workflow.edges.filter(({ from }) => from === step.name).map(({ to }) => to))],
          [words.cause, step.cause],
          [words.ended, step.ended_at && <Moment at={step.ended_at} />],
        ]}
      />
      {step.error_message && (
        <Alert color="red" title={step.error_code ?? words.error}>
          {step.error_message}
        </Alert>
      )}
      <Stack gap="xs">
        <Title order={2}>{words.attempts}</Title>
        {step.attempts.length === 0 && (
          <Text size="sm" c="dimmed">
            {words.noAttempts}
          </Text>
        )}
        {step.attempts.map((attempt) => (
          <Stack key={attempt.task_id} gap={2} className="panel" p="sm">
            <Group justify="space-between" gap="xs">
              <StateBadge state={attempt.status} />
              <Text size="xs" c="dimmed">
                <Moment at={attempt.ended_at ?? attempt.started_at ?? attempt.created_at} />
              </Text>
              <LinkTo
                to={isOwn ? "/tasks/$taskId" : "/admin/tasks/$taskId"}
                params={{ taskId: attempt.task_id }}
                size="sm"
              >
                {words.openTask}
              </LinkTo>
            </Group>
            {attempt.error_message && (
              <Text size="sm" c="var(--mantine-color-error)" style={{ overflowWrap: "anywhere" }}>
                {attempt.error_message}
              </Text>
            )}
          </Stack>
        ))}
      </Stack>
      <JsonBlock value={step.params} label={words.params} />
      {step.result !== null && <JsonBlock value={step.result} label={words.result} />}
      {step.result === null && step.result_bytes !== null && (
        <Text size="sm" c="dimmed">
          {words.largeResult(formatBytes(step.result_bytes))}
        </Text>
      )}
    </Stack>
  );
}
