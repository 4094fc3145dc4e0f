/** The bodies of requests about schedules. */
import Type, { type Static } from "typebox";
import { Compile } from "typebox/compile";
import { invalidField } from "../../errors.ts";
import { parseBody } from "../../platform/http/body.ts";
import { nullable } from "../../platform/http/schemas.ts";
import { TaskBody } from "../../tasks/create/task-body.ts";
import { WorkflowBody } from "../../workflows/create/workflow-body.ts";
import { Missed, Overlap, SHOWN_TICKS } from "../views.ts";
import type { NewSchedule } from "./create-schedule.ts";
import type { ScheduleFields } from "./schedule-fields.ts";

const MAX_JITTER_SECONDS = 3600;

/** Fields of every request that changes a schedule. croner and Intl check the expression and the zone. */
const TIMETABLE = {
  cron: Type.String({
    description:
      "A cron expression with 5 fields, or @hourly, @daily, @weekly, @monthly or @yearly. Seconds are not supported.",
    examples: ["30 2 * * *"],
  }),
  timezone: Type.String({
    description: "The time zone in which the expression is evaluated: a name of the IANA database.",
    examples: ["Europe/Berlin"],
  }),
  is_enabled: Type.Boolean({ description: "Whether the schedule has ticks.", examples: [true] }),
  missed: Missed,
};

const time = (description: string) =>
  nullable(Type.String({ format: "date-time", examples: ["2026-12-01T00:00:00Z"] }), description);

const FIELDS = {
  name: Type.String({
    minLength: 1,
    maxLength: 100,
    description: "A name that your other schedules do not have, ignoring case.",
    examples: ["Nightly import"],
  }),
  description: Type.String({ maxLength: 1000, description: "A longer text for people.", examples: [""] }),
  ...TIMETABLE,
  starts_at: time("No tick is before this time. null: no limit."),
  ends_at: time("No tick is after this time. null: no limit."),
  overlap: Overlap,
  jitter_seconds: Type.Integer({
    minimum: 0,
    maximum: MAX_JITTER_SECONDS,
    description:
      "Each tick runs up to this much later, so that schedules do not all run at once. Less than the time between two ticks.",
    examples: [0],
  }),
};

const optional = Type.Partial(Type.Object(FIELDS)).properties;
const strict = { additionalProperties: false };

const work = { task: Type.Optional(TaskBody), workflow: Type.Optional(WorkflowBody) };

const CreateBody = Type.Object({ ...optional, ...work, name: FIELDS.name, cron: FIELDS.cron }, strict);
const UpdateBody = Type.Object({ ...optional, ...work }, { ...strict, minProperties: 1 });
const AdminBody = Type.Object(Type.Partial(Type.Object(TIMETABLE)).properties, {
  ...strict,
  minProperties: 1,
});

export const RunBody = Type.Object({
  obey_overlap: Type.Optional(
    Type.Boolean({
      description:
        "true: the tick is skipped, waits or replaces earlier work, as `overlap` of the schedule says. Absent: it runs.",
      examples: [false],
    }),
  ),
});

const MAX_PREVIEWED = 20;

export const Preview = Type.Object(
  {
    cron: TIMETABLE.cron,
    timezone: Type.Optional(TIMETABLE.timezone),
    count: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: MAX_PREVIEWED,
        description: "The number of ticks. Absent: 5.",
        examples: [5],
      }),
    ),
  },
  strict,
);

const Task = Type.Optional(
  Type.Intersect([Type.Ref("NewTask")], {
    description:
      "The task that each tick creates, as for POST /api/v1/tasks. Alternatively, send `workflow`.",
  }),
);

/** For the documentation of the routes. */
export const createScheduleBody = {
  "application/json": Type.Object({ ...CreateBody.properties, task: Task }, strict),
};
export const updateScheduleBody = {
  "application/json": Type.Object({ ...UpdateBody.properties, task: Task }, { ...strict, minProperties: 1 }),
};
export const adminScheduleBody = { "application/json": AdminBody };

const createCheck = Compile(CreateBody);
const updateCheck = Compile(UpdateBody);
const adminCheck = Compile(AdminBody);
const previewCheck = Compile(Preview);

/** @throws DomainError `invalid_input` that names the fields */
export function readNewSchedule(body: unknown): NewSchedule {
  const { name, cron, ...rest } = parseBody(createCheck, body);
  return { ...fieldsOf(rest), name, cron };
}

/** @throws DomainError `invalid_input` that names the fields */
export function readScheduleChanges(body: unknown): ScheduleFields {
  return fieldsOf(parseBody(updateCheck, body));
}

/** @throws DomainError `invalid_input` that names the fields */
export function readAdminChanges(body: unknown): ScheduleFields {
  return fieldsOf(parseBody(adminCheck, body));
}

/** @throws DomainError `invalid_input` that names the fields */
export function readPreview(body: unknown): { cron: string; timezone: string; count: number } {
  const { cron, timezone = "UTC", count = SHOWN_TICKS } = parseBody(previewCheck, body);
  return { cron, timezone, count };
}

function fieldsOf(body: Partial<Static<typeof UpdateBody>>): ScheduleFields {
  const { is_enabled, starts_at, ends_at, jitter_seconds, ...same } = body;
  return {
    ...same,
    ...(is_enabled === undefined ? {} : { isEnabled: is_enabled }),
    ...(starts_at === undefined ? {} : { startsAt: dateOf(starts_at, "starts_at") }),
    ...(ends_at === undefined ? {} : { endsAt: dateOf(ends_at, "ends_at") }),
    ...(jitter_seconds === undefined ? {} : { jitterSeconds: jitter_seconds }),
  };
}

const LATEST = Date.parse("9999-01-01T00:00:00Z");

/** PostgreSQL and JavaScript know different times. */
function dateOf(text: string | null, field: string): Date | null {
  if (text === null) return null;
  const date = new Date(text);
  if (date.getTime() >= 0 && date.getTime() < LATEST) return date;
  throw invalidField(field, "must be a time from 1970 to 9998.");
}
