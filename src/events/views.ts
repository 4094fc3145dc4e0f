import Type, { type Static } from "typebox";
import { MapOf, Moment, nullable, Uuid } from "../platform/http/schemas.ts";
import { EVENT_KINDS, type LifeEvent } from "./life-event.ts";

/** The data of an event, and a line of `npm run cli -- events --json`. */
export const LifeEventView = Type.Object(
  {
    kind: Type.Enum([...EVENT_KINDS]),
    event: Type.String({
      description:
        "task: created, queued, started, completed, failed, retrying or cancelled. batch, workflow: its new state. job: started, completed, " +
        "put_back (it runs again later) or failed (this delivery). worker: started, stopping, stopped, lost, or returned after it was lost.",
    }),
    id: { ...Uuid, description: "The id of the task, batch, workflow, job or worker." },
    type: nullable(
      Type.String(),
      "The task type, the target of the batch, or the kind of the workflow or the job. null for workers.",
    ),
    user_id: nullable(Type.Integer(), "The owner. null: Rowmill itself."),
    worker: nullable(Uuid, "The worker, if the event is of a job or a worker."),
    at: Moment("When it happened."),
    details: MapOf(Type.Union([Type.String(), Type.Number(), Type.Null()])),
  },
  { $id: "LifeEvent" },
);

export function viewLifeEvent(life: LifeEvent): Static<typeof LifeEventView> {
  const { kind, event, id, type, userId, worker, at, details } = life;
  return { kind, event, id, type, user_id: userId, worker, at: at.toISOString(), details };
}
