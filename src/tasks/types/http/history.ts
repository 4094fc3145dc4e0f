/** The requests of a task so far. They are stored as its result, so that no attempt and no worker loses them. */
import Type, { type Static } from "typebox";
import { Compile } from "typebox/compile";
import { nullable } from "../../../platform/http/schemas.ts";
import type { RunningTask } from "../task-type.ts";

/** Older ones are dropped: a task can be retried by hand again and again. */
const KEPT_ATTEMPTS = 25;

const LOST = "The worker stopped before the answer came.";

export const AttemptView = Type.Object(
  {
    number: Type.Integer({
      description: "1 is the first request of the task. `Rowmill-Attempt` of the request.",
    }),
    at: Type.String({ format: "date-time", description: "When it was sent." }),
    status: nullable(Type.Integer(), "The status of the answer. null: none came."),
    ms: nullable(
      Type.Integer(),
      "The time until the answer, in milliseconds. null: the worker stopped before.",
    ),
    error: nullable(Type.String(), "Why it was no success."),
  },
  { description: "One request." },
);

export type Attempt = Static<typeof AttemptView>;

/** The series of requests since the task was created or retried by hand. */
export const Series = Type.Object(
  {
    run: Type.Integer({ description: "The number of jobs that the task had at its latest request." }),
    since: Type.String({ description: "When the first request was sent." }),
    scheduled_at: Type.String({ description: "When the task was due first." }),
  },
  { description: "The requests since the task was created or retried by hand." },
);

const Stored = Type.Object({ attempts: Type.Array(AttemptView), series: Series });
const check = Compile(Stored);

export type History = Static<typeof Stored>;

/** Begins the next request. @returns the history with it */
export function beginAttempt({ result, run, retryCount, dueAt }: RunningTask, now: Date): History {
  const known = check.Check(result) ? result : null;
  const closed = (known?.attempts ?? []).map((one) =>
    one.ms === null && one.error === null ? { ...one, error: LOST } : one,
  );
  const attempt = {
    number: (closed.at(-1)?.number ?? 0) + 1,
    at: now.toISOString(),
    status: null,
    ms: null,
    error: null,
  };
  // A job that is delivered again belongs to the same series.
  const isNext = known !== null && (retryCount > 0 || known.series.run === run);
  const first = { run, since: attempt.at, scheduled_at: (dueAt ?? now).toISOString() };
  return {
    attempts: [...closed, attempt].slice(-KEPT_ATTEMPTS),
    series: isNext ? { ...known.series, run } : first,
  };
}

/** Returns the history with the outcome of its last request. */
export function endAttempt(history: History, outcome: Pick<Attempt, "status" | "ms" | "error">): History {
  const attempts = history.attempts.map((one, index) =>
    index === history.attempts.length - 1 ? { ...one, ...outcome } : one,
  );
  return { ...history, attempts };
}
