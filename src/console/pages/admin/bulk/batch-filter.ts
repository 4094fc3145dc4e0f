import type { OperationOf } from "../../../../client/operations.ts";
import type { BatchSearch } from "../shared/search-shapes.ts";

type ActionBody =
  OperationOf<"post", "/api/v1/admin/batches/retry"> extends {
    requestBody: { content: { "application/json": infer B } };
  }
    ? B
    : never;
type BatchFilter = ActionBody extends { filter: infer F } ? F : never;

/** The filter of the address, for the list and for actions on all that match. Both must choose the same batches. */
export function batchFilterOf({ state, target, q, user, from, to }: BatchSearch): BatchFilter {
  return {
    ...(state ? { state: [state] } : {}),
    ...(target ? { target } : {}),
    ...(q ? { q } : {}),
    ...(user ? { user_id: user } : {}),
    ...(from ? { from } : {}),
    ...(to ? { to } : {}),
  };
}
