import { Group, Progress, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { useLive } from "../../api/live.ts";
import { apiQuery } from "../../api/queries.ts";
import { announce } from "../../parts/announce.ts";
import { ShortId } from "../../parts/copy.tsx";
import { Facts } from "../../parts/facts.tsx";
import { Failure, Loading } from "../../parts/feedback.tsx";
import { formatCount } from "../../parts/format.ts";
import { LinkTo } from "../../parts/link.tsx";
import { Moment } from "../../parts/moment.tsx";
import { Owner } from "../../parts/owner.tsx";
import { Page } from "../../parts/page.tsx";
import { Section } from "../../parts/section.tsx";
import { StateBadge } from "../../parts/states.tsx";
import { navigationWords } from "../../words/common.ts";
import { stateWords } from "../../words/states.ts";
import { workflowWords as words } from "../../words/workflows.ts";
import { GraphView } from "./graph/graph-view.tsx";
import { StepDrawer } from "./step-drawer.tsx";
import { StepsTable } from "./steps-table.tsx";
import { WorkflowActions } from "./workflow-actions.tsx";
import { endedSteps, nameOf, type Step, type WorkflowDetail } from "./workflow-names.ts";

/** Names of running steps that are listed. */
const MAX_NAMES = 5;

const ownRoute = getRouteApi("/signed-in/workflows/$workflowId");
const anyRoute = getRouteApi("/signed-in/operator/admin/workflows/$workflowId");

interface Choice {
  readonly step?: string;
  readonly state?: Step["state"];
}

export function OwnWorkflowPage() {
  const { workflowId } = ownRoute.useParams();
  const navigate = ownRoute.useNavigate();
  const search = ownRoute.useSearch();
  const { data, error, refetch } = useQuery(
    apiQuery("/api/v1/workflows/{workflow_id}", { path: { workflow_id: workflowId } }),
  );
  if (!data) return error ? <Failure error={error} onRetry={() => void refetch()} /> : <Loading />;
  return (
    <OneWorkflow
      workflow={data}
      isOwn
      choice={search}
      choose={(next) => void navigate({ search: next, replace: true })}
    />
  );
}

export function AnyWorkflowPage() {
  const { workflowId } = anyRoute.useParams();
  const navigate = anyRoute.useNavigate();
  const search = anyRoute.useSearch();
  const { data, error, refetch } = useQuery(
    apiQuery("/api/v1/admin/workflows/{workflow_id}", { path: { workflow_id: workflowId } }),
  );
  if (!data) return error ? <Failure error={error} onRetry={() => void refetch()} /> : <Loading />;
  return (
    <OneWorkflow
      workflow={data}
      isOwn={false}
      choice={search}
      choose={(next) => void navigate({ search: next, replace: true })}
    />
  );
}

interface OneWorkflowProps {
  readonly workflow: WorkflowDetail;
  readonly isOwn: boolean;
  readonly choice: Choice;
  readonly choose: (choice: Choice) => void;
}

function OneWorkflow({ workflow, isOwn, choice, choose }: OneWorkflowProps) {
  useLive(workflow.state === "running" ? { workflows: [workflow.id] } : {});
  const open = (step: string) => choose({ ...choice, step });
  const { step: _step, ...withoutStep } = choice;
  const { state: _state, ...withoutState } = choice;
  return (
    <Page
      title={nameOf(workflow)}
      description={words.kinds[workflow.kind]}
      badge={<StateBadge state={workflow.state} />}
      parent={
        isOwn
          ? { to: "/workflows", name: words.title }
          : { to: "/admin/workflows", name: navigationWords.allWorkflows }
      }
      actions={<WorkflowActions workflow={workflow} isOwn={isOwn} />}
    >
      <WorkflowProgress workflow={workflow} />
      <Section title={words.graph}>
        {workflow.steps.length === 0 ? (
          <Text size="sm" c="dimmed">
            {words.noSteps}
          </Text>
        ) : (
          <GraphView workflow={workflow} selected={choice.step} onSelect={open} />
        )}
      </Section>
      <Section title={words.steps}>
        <StepsTable
          workflow={workflow}
          state={choice.state}
          onState={(state) => choose(state ? { ...choice, state } : withoutState)}
          onSelect={open}
        />
      </Section>
      <Section title={words.details}>
        <WorkflowFacts workflow={workflow} isOwn={isOwn} />
      </Section>
      {choice.step !== undefined && (
        <StepDrawer
          workflow={workflow}
          name={choice.step}
          onClose={() => choose(withoutStep)}
          isOwn={isOwn}
        />
      )}
    </Page>
  );
}

function WorkflowProgress({ workflow }: { readonly workflow: WorkflowDetail }) {
  const text = words.progress(formatCount(endedSteps(workflow)), formatCount(workflow.counts.total));
  const names = workflow.steps.filter(({ state }) => state === "running").map(({ name }) => name);
  const more = names.length > MAX_NAMES ? " …" : "";
  const running = names.length > 0 ? words.running(names.slice(0, MAX_NAMES).join(", ") + more) : "";
  const wasRunning = useRef(workflow.state === "running");
  const title = nameOf(workflow);
  const { state } = workflow;
  useEffect(() => {
    if (state === "running") announce(`${text}. ${running}`);
    else if (wasRunning.current) announce(words.ended(title, stateWords[state] ?? state), true);
    wasRunning.current = state === "running";
  }, [text, running, state, title]);
  const share = (count: number) => (count / Math.max(1, workflow.counts.total)) * 100;
  return (
    <Stack className="panel" p="md" gap={8}>
      <Group justify="space-between" gap="xs">
        <Text size="sm" fw={550}>
          {text}
        </Text>
        <Text size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }}>
          {running}
        </Text>
      </Group>
      <Progress.Root size="lg" radius="xl">
        <Progress.Section
          value={share(workflow.counts.completed)}
          color="var(--rowmill-success)"
          aria-label={stateWords.completed}
        />
        <Progress.Section
          value={share(workflow.counts.failed)}
          color="var(--rowmill-failed)"
          aria-label={stateWords.failed}
        />
        <Progress.Section
          value={share(workflow.counts.skipped + workflow.counts.cancelled)}
          color="var(--rowmill-waiting)"
          aria-label={stateWords.skipped}
        />
      </Progress.Root>
    </Stack>
  );
}

function WorkflowFacts({ workflow, isOwn }: { readonly workflow: WorkflowDetail; readonly isOwn: boolean }) {
  const { id, user_id, run, schedule_id, created_at, ended_at, deadline_at, cancel_reason, state } = workflow;
  const facts = words.facts;
  return (
    <Facts
      facts={[
        [facts.id, <ShortId key="id" id={id} />],
        [facts.owner, !isOwn && <Owner id={user_id} />],
        [facts.reason, cancel_reason],
        [facts.run, run > 1 && formatCount(run)],
        [
          facts.schedule,
          schedule_id && (
            <LinkTo
              to={isOwn ? "/schedules/$scheduleId" : "/admin/schedules/$scheduleId"}
              params={{ scheduleId: schedule_id }}
              size="sm"
            >
              {schedule_id.slice(0, 8)}…
            </LinkTo>
          ),
        ],
        [
          facts.tasks,
          isOwn && (
            <LinkTo to="/tasks" search={{ workflow: id }} size="sm">
              {facts.tasksLink}
            </LinkTo>
          ),
        ],
        [facts.created, <Moment key="created" at={created_at} />],
        [facts.ended, ended_at && <Moment at={ended_at} />],
        [facts.deadline, state === "running" && <Moment at={deadline_at} />],
      ]}
    />
  );
}
