import type { OperationOf } from "../../../../client/operations.ts";
import type { TaskSearch } from "../shared/search-shapes.ts";

type ActionBody =
  OperationOf<"post", "/api/v1/admin/tasks/retry"> extends {
    requestBody: { content: { "application/json": infer B } };
  }
    ? B
    : never;
export type TaskFilter = ActionBody extends { filter: infer F } ? F : never;

/** The filter of the address, for the list and for actions on all that match. Both must choose the same tasks. */
export function taskFilterOf(search: TaskSearch): TaskFilter {
  const { status, type, queue, user, q, tag, group, workflow, from, to, ended_from, ended_to } = search;
  return {
    ...(status ? { status: [status] } : {}),
    ...(type ? { type } : {}),
    ...(queue ? { queue } : {}),
    ...(user ? { user_id: user } : {}),
    ...(q ? { search: q } : {}),
    ...(tag ? { tag } : {}),
    ...(group ? { group_id: group } : {}),
    ...(workflow ? { workflow_id: workflow } : {}),
    ...(from ? { from } : {}),
    ...(to ? { to } : {}),
    ...(ended_from ? { ended_from } : {}),
    ...(ended_to ? { ended_to } : {}),
  };
}
