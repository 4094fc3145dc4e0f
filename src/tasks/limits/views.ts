import Type, { type Static } from "typebox";
import { Moment, nullable } from "../../platform/http/schemas.ts";
import type { StoredLimit } from "./queries.ts";

/** Slower rates exceed the longest interval of PostgreSQL, or the longest timer of Node.js, which then runs without a pause. */
export const MIN_PER_SECOND = 0.00001;
export const MAX_PER_SECOND = 1000;

const perSecond = { minimum: MIN_PER_SECOND, maximum: MAX_PER_SECOND, examples: [5] };
const concurrent = { minimum: 0, maximum: 10_000, examples: [2] };

const PER_SECOND =
  "Tasks of the type that start per second, on all workers together. 0.1: one in ten seconds. null: any number.";
const CONCURRENT =
  "Tasks of the type that run at the same time, on all workers together. 0: none starts. null: any number.";

/** In a union of schemas, null in a request would become 0, which lets no task start. */
const orNull = (type: "number" | "integer", rules: object) =>
  Type.Unsafe<number | null>({ type: [type, "null"], ...rules });

export const LimitBody = Type.Object(
  {
    per_second: Type.Optional(orNull("number", { ...perSecond, description: PER_SECOND })),
    concurrent: Type.Optional(orNull("integer", { ...concurrent, description: CONCURRENT })),
  },
  {
    description: "At least one of the two. An absent one is null.",
    examples: [{ per_second: 5, concurrent: 2 }],
  },
);

export const LimitView = Type.Object(
  {
    type: Type.String({ description: "The task type.", examples: ["image"] }),
    per_second: nullable(Type.Number(perSecond), PER_SECOND),
    concurrent: nullable(Type.Integer(concurrent), CONCURRENT),
    running: Type.Integer({ description: "Tasks of the type that run now." }),
    waiting: Type.Integer({ description: "Tasks that wait because of the limit." }),
    changed_at: Moment("When the limit was set."),
    changed_by: nullable(Type.Integer(), "The user who set it. null: a command did."),
  },
  { description: "The limit of a task type." },
);

export type LimitView = Static<typeof LimitView>;

export function viewLimit({ type, running, waiting, ...limit }: StoredLimit): LimitView {
  return {
    type,
    per_second: limit.perSecond,
    concurrent: limit.concurrent,
    running,
    waiting,
    changed_at: limit.changedAt.toISOString(),
    changed_by: limit.changedBy,
  };
}
