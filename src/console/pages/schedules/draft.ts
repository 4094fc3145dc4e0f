/** A schedule in a form, before it is sent. */
import type { Schemas } from "../../../client/operations.ts";
import { scheduleWords } from "../../words/schedules.ts";
import {
  bodyOf as bodyOfTask,
  draftOf as draftOfTask,
  EMPTY_TASK,
  type FormType,
  problemsOfDraft as problemsOfTask,
  type TaskDraft,
} from "../tasks/form/draft.ts";
import { NotJson, type Problems, parseJson } from "../tasks/form/problems.ts";

type Fields = Pick<Schemas["Schedule"], "overlap" | "missed">;

export interface ScheduleDraft extends Fields {
  readonly name: string;
  readonly description: string;
  readonly cron: string;
  readonly timezone: string;
  readonly jitterSeconds: number;
  /** As in a field of the type `datetime-local`. Empty: no limit. */
  readonly startsAt: string;
  readonly endsAt: string;
  readonly kind: "task" | "workflow";
  readonly task: TaskDraft;
  /** JSON, as the user typed it. */
  readonly workflow: string;
}

export function newDraft(timezone: string): ScheduleDraft {
  return {
    name: "",
    description: "",
    cron: "",
    timezone,
    overlap: "skip",
    missed: "skip",
    jitterSeconds: 0,
    startsAt: "",
    endsAt: "",
    kind: "task",
    task: EMPTY_TASK,
    workflow: "",
  };
}

export function draftOf(schedule: Schemas["Schedule"]): ScheduleDraft {
  return {
    name: schedule.name,
    description: schedule.description,
    cron: schedule.cron,
    timezone: schedule.timezone,
    overlap: schedule.overlap,
    missed: schedule.missed,
    jitterSeconds: schedule.jitter_seconds,
    startsAt: localOf(schedule.starts_at),
    endsAt: localOf(schedule.ends_at),
    kind: schedule.workflow ? "workflow" : "task",
    task: schedule.task ? draftOfTask(schedule.task) : EMPTY_TASK,
    workflow: schedule.workflow ? JSON.stringify(schedule.workflow, null, 2) : "",
  };
}

/** The body of the request that creates or changes the schedule. */
export function bodyOf(draft: ScheduleDraft, type: FormType | undefined): Record<string, unknown> {
  const { name, description, cron, timezone, overlap, missed, jitterSeconds, startsAt, endsAt } = draft;
  return {
    name,
    description,
    cron,
    timezone,
    overlap,
    missed,
    jitter_seconds: jitterSeconds,
    starts_at: momentOf(startsAt),
    ends_at: momentOf(endsAt),
    ...(draft.kind === "task"
      ? { task: bodyOfTask(draft.task, type ?? { file: "optional" }) }
      : { workflow: parseJson(draft.workflow) }),
  };
}

/** The problems that the form finds, under the names of the API. */
export function problemsOf(draft: ScheduleDraft, type: FormType | undefined): Problems {
  const { required, notJson } = scheduleWords.form;
  const workflow = parseJson(draft.workflow);
  return {
    ...(draft.name.trim() === "" ? { name: required } : {}),
    ...(draft.cron.trim() === "" ? { cron: required } : {}),
    ...(draft.kind === "task" ? prefixed(problemsOfTask(draft.task, type), "task.") : {}),
    ...(draft.kind === "workflow" && workflow === undefined ? { workflow: required } : {}),
    ...(draft.kind === "workflow" && workflow instanceof NotJson ? { workflow: notJson } : {}),
  };
}

function prefixed(problems: Problems, prefix: string): Problems {
  return Object.fromEntries(Object.entries(problems).map(([path, problem]) => [prefix + path, problem]));
}

/** The problems below a path, under the names that the parts of the form know. */
export function below(problems: Problems, prefix: string): Problems {
  return Object.fromEntries(
    Object.entries(problems).flatMap(([path, problem]) => {
      if (path === prefix) return [["", problem]];
      return path.startsWith(`${prefix}.`) ? [[path.slice(prefix.length + 1), problem]] : [];
    }),
  );
}

/** In the zone of the browser, to the minute. */
function localOf(moment: string | null): string {
  if (moment === null) return "";
  const date = new Date(moment);
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

function momentOf(local: string): string | null {
  return local === "" ? null : new Date(local).toISOString();
}
