import { asc, eq } from "drizzle-orm";
import type { Tx } from "../../context.ts";
import { workflowEdges, workflowSteps } from "../../schema/workflows.ts";
import type { GraphStep } from "./resolve.ts";

export interface NamedStep extends GraphStep {
  readonly name: string;
}

/** Reads the steps of a workflow by position, without tasks and results, which can be long. */
export async function readGraph(tx: Tx, workflowId: string): Promise<NamedStep[]> {
  const { name, state, onFailure, when, cause } = workflowSteps;
  const steps = await tx.db
    .select({ name, state, onFailure, when, cause })
    .from(workflowSteps)
    .where(eq(workflowSteps.workflowId, workflowId))
    .orderBy(asc(workflowSteps.position));
  const dependsOn = await readEdges(tx, workflowId);
  return steps.map((step, position) => ({ ...step, dependsOn: dependsOn.get(position) ?? [] }));
}

async function readEdges(tx: Tx, workflowId: string): Promise<Map<number, number[]>> {
  const edges = await tx.db
    .select({ step: workflowEdges.step, dependency: workflowEdges.dependency })
    .from(workflowEdges)
    .where(eq(workflowEdges.workflowId, workflowId))
    .orderBy(asc(workflowEdges.step), asc(workflowEdges.ordinal));
  const dependsOn = new Map<number, number[]>();
  for (const { step, dependency } of edges) {
    const known = dependsOn.get(step) ?? [];
    known.push(dependency);
    dependsOn.set(step, known);
  }
  return dependsOn;
}
