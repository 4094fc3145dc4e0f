import Type, { type Static, type TSchema } from "typebox";
import { MapOf, Moment, NullableMoment, nullable, Uuid } from "../platform/http/schemas.ts";
import { scheduleMissed, scheduleOverlap, tickState } from "../schema/schedules.ts";
import type { Schedule, Tick } from "./queries.ts";
import { LATE_MS, nextTicks } from "./timing.ts";

/** The number of ticks that an answer shows in advance. */
export const SHOWN_TICKS = 5;

export const Missed = Type.Enum(scheduleMissed.enumValues, {
  description:
    `What happens to ticks that no worker ran within ${LATE_MS / 60_000} minutes. skip: they are only counted in the history. ` +
    "once: the latest one runs late, and the others are counted.",
});

export const Overlap = Type.Enum(scheduleOverlap.enumValues, {
  description:
    "What a tick does while the work of an earlier tick has not ended. skip: nothing. queue: it waits; up to 10 ticks can. " +
    "allow: it runs beside the earlier work. replace: it cancels the earlier work.",
});

const nullableUuid = (description: string) => nullable(Type.String({ format: "uuid" }), description);

const TICK_EXAMPLE = {
  tick_at: "2026-11-26T02:30:00.000Z",
  state: "created",
  code: null,
  reason: null,
  missed_count: null,
  task_id: "019c1f3e-7f0a-7c11-9d43-6d0b2c1a9e55",
  workflow_id: null,
  job_id: null,
  blocked_by: null,
  is_manual: false,
  created_at: "2026-11-26T02:30:00.911Z",
};

export const TickView = Type.Object(
  {
    tick_at: Moment("When the tick was due by the expression; of a manual tick: when it was requested."),
    state: Type.Enum(tickState.enumValues, {
      description:
        "created: it has created its work. waiting: it waits until earlier work has ended. skipped: it was missed, or earlier " +
        "work had not ended. failed: its work could not be created.",
    }),
    code: nullable(
      Type.String(),
      "Why the tick waits, was skipped or failed, for programs: `missed`, `overlap`, `disabled`, or the code of an error.",
    ),
    reason: nullable(Type.String(), "The same, for people."),
    missed_count: nullable(
      Type.Integer(),
      "If this entry stands for missed ticks: their number. From 1000 on, it is the least that were missed.",
    ),
    task_id: nullableUuid("The task that the tick has created."),
    workflow_id: nullableUuid("The workflow that the tick has created."),
    job_id: nullableUuid("The job that a tick of a built-in schedule has created."),
    blocked_by: nullableUuid("The earlier work because of which the tick waits or was skipped."),
    is_manual: Type.Boolean({ description: "Whether a user requested the tick." }),
    created_at: Moment("When the tick was recorded."),
  },
  { $id: "ScheduleTick", description: "A tick of a schedule.", examples: [TICK_EXAMPLE] },
);
export type TickView = Static<typeof TickView>;

const SCHEDULE_EXAMPLE = {
  id: "019c1f3e-7f0a-7c11-9d43-6d0b2c1a9e10",
  number: 101,
  user_id: 1,
  builtin: null,
  name: "Nightly import",
  description: "",
  task: { type: "generic", title: "Nightly import", params: { seconds: 2 } },
  workflow: null,
  cron: "30 2 * * *",
  timezone: "Europe/Berlin",
  is_enabled: true,
  starts_at: null,
  ends_at: null,
  missed: "skip",
  overlap: "skip",
  jitter_seconds: 0,
  next_run_at: "2026-11-27T01:30:00.000Z",
  last_tick: TICK_EXAMPLE,
  failing_since: null,
  created_at: "2026-11-20T09:12:44.120Z",
  updated_at: "2026-11-20T09:12:44.120Z",
};

export const Ticks = Type.Array(Type.String({ format: "date-time" }), {
  description: `The next ticks by the expression, without jitter.`,
});

export const ListedScheduleView = Type.Object(
  {
    id: { ...Uuid, description: "The id of the schedule." },
    number: Type.Integer({ description: "A short number, counted up per installation." }),
    user_id: nullable(Type.Integer(), "The owner. null: the schedule is built in."),
    builtin: nullable(
      Type.String(),
      "The job that a built-in schedule runs. null: the schedule has an owner.",
    ),
    name: Type.String({ description: "The name, unique per owner." }),
    description: Type.String({ description: "A longer text for people, or empty." }),
    task: nullable(MapOf(Type.Unknown()), "The task that each tick creates, as in the request."),
    workflow: nullable(MapOf(Type.Unknown()), "The workflow that each tick creates, as in the request."),
    cron: Type.String({ description: "The cron expression." }),
    timezone: Type.String({ description: "The time zone in which the expression is evaluated." }),
    is_enabled: Type.Boolean({ description: "Whether the schedule has ticks." }),
    starts_at: NullableMoment("No tick is before this time."),
    ends_at: NullableMoment("No tick is after this time."),
    missed: Missed,
    overlap: Overlap,
    jitter_seconds: Type.Integer({ description: "Each tick runs up to this much later." }),
    next_run_at: NullableMoment(
      "When the next tick runs, with its jitter. null: the schedule is disabled, or has ended.",
    ),
    last_tick: nullable(
      Type.Unsafe<TickView>(Type.Ref("ScheduleTick")),
      "The newest entry of the history.",
    ),
    failing_since: NullableMoment("When the ticks began to fail. null: the last one succeeded."),
    created_at: Moment("When the schedule was created."),
    updated_at: Moment("When a user last changed the schedule."),
  },
  { $id: "ListedSchedule", description: "A schedule, as in lists.", examples: [SCHEDULE_EXAMPLE] },
);

export const ScheduleView = Type.Object(
  { ...ListedScheduleView.properties, next_ticks: Ticks },
  {
    $id: "Schedule",
    description: "A schedule and its next ticks.",
    examples: [{ ...SCHEDULE_EXAMPLE, next_ticks: ["2026-11-27T01:30:00.000Z", "2026-11-28T01:30:00.000Z"] }],
  },
);

export const scheduleSchemas: readonly TSchema[] = [TickView, ListedScheduleView, ScheduleView];

export function viewTick(tick: Tick): TickView {
  return {
    tick_at: tick.tickAt.toISOString(),
    state: tick.state,
    code: tick.code,
    reason: tick.reason,
    missed_count: tick.missedCount,
    task_id: tick.taskId,
    workflow_id: tick.workflowId,
    job_id: tick.jobId,
    blocked_by: tick.blockedBy,
    is_manual: tick.isManual,
    created_at: tick.createdAt.toISOString(),
  };
}

export function viewListed(
  schedule: Schedule,
  lastTick: Tick | undefined,
): Static<typeof ListedScheduleView> {
  return {
    id: schedule.id,
    number: schedule.number,
    user_id: schedule.userId,
    builtin: schedule.builtin,
    name: schedule.name,
    description: schedule.description,
    task: schedule.task,
    workflow: schedule.workflow,
    cron: schedule.cron,
    timezone: schedule.timezone,
    is_enabled: schedule.isEnabled,
    starts_at: schedule.startsAt?.toISOString() ?? null,
    ends_at: schedule.endsAt?.toISOString() ?? null,
    missed: schedule.missed,
    overlap: schedule.overlap,
    jitter_seconds: schedule.jitterSeconds,
    next_run_at: schedule.nextRunAt?.toISOString() ?? null,
    last_tick: lastTick ? viewTick(lastTick) : null,
    failing_since: schedule.failingSince?.toISOString() ?? null,
    created_at: schedule.createdAt.toISOString(),
    updated_at: schedule.updatedAt.toISOString(),
  };
}

export function viewSchedule(schedule: Schedule, lastTick: Tick | undefined): Static<typeof ScheduleView> {
  const ticks = nextTicks(schedule, SHOWN_TICKS).map((tick) => tick.toISOString());
  return { ...viewListed(schedule, lastTick), next_ticks: ticks };
}
