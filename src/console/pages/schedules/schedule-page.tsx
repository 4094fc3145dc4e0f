import "@mantine/core/styles/Grid.layer.css";
import { Alert, Grid, Stack, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { apiQuery, useApiList } from "../../api/queries.ts";
import { Failure, Loading } from "../../parts/feedback.tsx";
import { formatAgo } from "../../parts/format.ts";
import { JsonBlock } from "../../parts/json.tsx";
import { Page } from "../../parts/page.tsx";
import { Section } from "../../parts/section.tsx";
import { navigationWords } from "../../words/common.ts";
import { scheduleWords as words } from "../../words/schedules.ts";
import { ScheduleActions } from "./schedule-actions.tsx";
import { ScheduleFacts } from "./schedule-facts.tsx";
import { describeWork, type Schedule } from "./schedule-names.ts";
import { TickHistory } from "./tick-history.tsx";
import { TickList } from "./tick-list.tsx";

/** Ticks send no events to the browser. */
const POLL_MS = 15_000;

const ownRoute = getRouteApi("/signed-in/schedules/$scheduleId");
const anyRoute = getRouteApi("/signed-in/operator/admin/schedules/$scheduleId");

export function OwnSchedulePage() {
  const path = { schedule_id: ownRoute.useParams().scheduleId };
  const { data, error, refetch } = useQuery({
    ...apiQuery("/api/v1/schedules/{schedule_id}", { path }),
    refetchInterval: POLL_MS,
  });
  if (!data) return error ? <Failure error={error} onRetry={() => void refetch()} /> : <Loading />;
  return (
    <OneSchedule schedule={data} isOwn>
      <OwnHistory schedule={data} />
    </OneSchedule>
  );
}

export function AnySchedulePage() {
  const path = { schedule_id: anyRoute.useParams().scheduleId };
  const { data, error, refetch } = useQuery({
    ...apiQuery("/api/v1/admin/schedules/{schedule_id}", { path }),
    refetchInterval: POLL_MS,
  });
  if (!data) return error ? <Failure error={error} onRetry={() => void refetch()} /> : <Loading />;
  return (
    <OneSchedule schedule={data} isOwn={false}>
      <AnyHistory schedule={data} />
    </OneSchedule>
  );
}

function historyOf({ id }: Schedule) {
  return { path: { schedule_id: id }, query: { limit: 50 } };
}

function OwnHistory({ schedule }: { readonly schedule: Schedule }) {
  const list = useApiList("/api/v1/schedules/{schedule_id}/ticks", historyOf(schedule));
  return <TickHistory list={list} newest={schedule.last_tick} isOwn />;
}

function AnyHistory({ schedule }: { readonly schedule: Schedule }) {
  const list = useApiList("/api/v1/admin/schedules/{schedule_id}/ticks", historyOf(schedule));
  return <TickHistory list={list} newest={schedule.last_tick} isOwn={false} />;
}

interface OneScheduleProps {
  readonly schedule: Schedule;
  readonly isOwn: boolean;
  readonly children: React.ReactNode;
}

function OneSchedule({ schedule, isOwn, children }: OneScheduleProps) {
  const work = schedule.task ?? schedule.workflow;
  return (
    <Page
      title={schedule.name}
      description={schedule.description || describeWork(schedule)}
      parent={
        isOwn
          ? { to: "/schedules", name: words.title }
          : { to: "/admin/schedules", name: navigationWords.allSchedules }
      }
      actions={<ScheduleActions schedule={schedule} isOwn={isOwn} />}
    >
      {schedule.failing_since && (
        <Alert color="red">{words.failing(formatAgo(new Date(schedule.failing_since)))}</Alert>
      )}
      <Grid gap="md">
        <Grid.Col span={{ base: 12, md: 8 }}>
          <Stack gap="md">
            <Stack gap="xs" component="section">
              <Title order={2}>{words.history}</Title>
              {children}
            </Stack>
            {work && (
              <Section title={words.definition}>
                <JsonBlock value={work} label={describeWork(schedule)} />
              </Section>
            )}
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 4 }}>
          <Stack gap="md">
            <Section title={words.preview}>
              <TickList ticks={schedule.next_ticks} timeZone={schedule.timezone} />
            </Section>
            <Section title={words.details}>
              <ScheduleFacts schedule={schedule} isOwn={isOwn} />
            </Section>
          </Stack>
        </Grid.Col>
      </Grid>
    </Page>
  );
}
