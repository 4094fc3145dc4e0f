import type { Schemas } from "../../../client/operations.ts";
import { workflowWords as words } from "../../words/workflows.ts";

type Named = Pick<Schemas["Workflow"], "name" | "kind" | "number">;

export type WorkflowDetail = Schemas["WorkflowDetail"];
export type Step = WorkflowDetail["steps"][number];

/** The name that the user gave, or the kind and the number. */
export function nameOf({ name, kind, number }: Named): string {
  return name || words.untitled(words.kinds[kind] ?? kind, String(number));
}

export function endedSteps({ counts }: Pick<Schemas["Workflow"], "counts">): number {
  return counts.completed + counts.failed + counts.skipped + counts.cancelled;
}
