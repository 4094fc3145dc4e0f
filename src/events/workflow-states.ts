import { sql } from "drizzle-orm";
import type { WorkflowState } from "../schema/workflows.ts";
import { WORKFLOW_CHANNEL } from "../tasks/transitions.ts";
import type { Stateful, StateRow } from "./state-events.ts";

interface WorkflowRow extends StateRow {
  readonly state: WorkflowState;
  readonly run: number;
  readonly createdAt: string;
  readonly endedAt: string | null;
}

export const workflowStates: Stateful<WorkflowRow> = {
  kind: "workflow",
  channel: WORKFLOW_CHANNEL,
  select: (ids, newest) => sql`
    SELECT id, state, kind AS type, user_id AS "userId", run, created_at AS "createdAt", ended_at AS "endedAt"
    FROM rowmill.workflows
    WHERE id = ANY(ARRAY(
      SELECT id FROM unnest(${sql.param([...ids])}::uuid[]) AS changed (id)
      UNION (SELECT id FROM (SELECT id FROM rowmill.workflows ORDER BY number DESC LIMIT ${newest}) AS newest)))
    ORDER BY number`,
  recorded: ({ state, createdAt, endedAt }) => [
    ["running", createdAt],
    [state, endedAt],
  ],
  hasEnded: (state) => state !== "running",
  details: ({ run }) => ({ run }),
};
