import { type DomainError, type FieldErrors, invalidField } from "../../errors.ts";
import { parseBody } from "../../platform/http/body.ts";
import { joinPath, throwFieldErrors } from "../../platform/http/schema-errors.ts";
import type { OnFailure, StepTask, When, WorkflowKind } from "../../schema/workflows.ts";
import { DEFAULT_TIMEOUT_SECONDS, MAX_STEPS } from "../limits.ts";
import { checkGraph } from "./check-graph.ts";
import { type StepBody, type WorkflowBody, workflowCheck } from "./workflow-body.ts";

export interface StepRequest {
  /** The path of the step in the request, for errors, such as `chord.group.3`. */
  readonly field: string;
  readonly name: string;
  readonly type: string;
  readonly task: StepTask;
  readonly onFailure: OnFailure;
  readonly when: When;
  /** The positions of the steps that must be final first. */
  readonly dependsOn: readonly number[];
}

export interface WorkflowRequest {
  readonly name: string;
  readonly kind: WorkflowKind;
  readonly timeoutSeconds: number;
  readonly steps: readonly StepRequest[];
}

/** A step of the body, before it has its name and its dependencies. */
interface Draft {
  readonly field: string;
  readonly body: StepBody;
  /** The names of dependencies, or their positions. */
  readonly dependsOn: readonly (string | number)[];
}

/**
 * Reads the body of a request that creates a workflow, and checks its graph. `checkWorkflow` checks the steps.
 * @param path the path of the body in the request, if it is a part of another body
 * @throws DomainError `invalid_input` that names the fields, such as `steps.3.depends_on`
 */
export function readWorkflow(body: unknown, path = ""): WorkflowRequest {
  const parsed = parseBody(workflowCheck, body, path);
  const kind = kindOf(parsed, path);
  const drafts = draftsOf(parsed, kind).map((draft) => ({ ...draft, field: joinPath(path, draft.field) }));
  if (drafts.length > MAX_STEPS) {
    throw invalidField(joinPath(path, kind), `has ${drafts.length} steps. The limit is ${MAX_STEPS}.`);
  }
  const names = nameSteps(drafts);
  const steps = drafts.map((draft, position) => requestOf(draft, names, position));
  checkGraph(steps, joinPath(path, kind));
  const { name = "", timeout_seconds: timeoutSeconds = DEFAULT_TIMEOUT_SECONDS } = parsed;
  return { name, kind, timeoutSeconds, steps };
}

const KINDS = ["chain", "group", "chord", "steps"] as const satisfies readonly WorkflowKind[];

function kindOf(body: WorkflowBody, path: string): WorkflowKind {
  const [kind, second] = KINDS.filter((name) => body[name] !== undefined);
  if (kind && !second) return kind;
  const field = second ?? (path || "body");
  const message = "must have exactly one of `chain`, `group`, `chord` and `steps`.";
  throw invalidField(
    second ? joinPath(path, field) : field,
    second ? `cannot be combined with \`${kind}\`.` : message,
  );
}

function draftsOf({ chain = [], group = [], chord, steps = [] }: WorkflowBody, kind: WorkflowKind): Draft[] {
  const parallel = (bodies: readonly StepBody[], field: string): Draft[] =>
    bodies.map((body, index) => ({ field: `${field}.${index}`, body, dependsOn: [] }));
  switch (kind) {
    case "chain":
      return chain.map((body, index) => ({
        field: `chain.${index}`,
        body,
        dependsOn: index === 0 ? [] : [index - 1],
      }));
    case "group":
      return parallel(group, "group");
    case "chord": {
      if (!chord) return [];
      const callback = { field: "chord.callback", body: chord.callback, dependsOn: [...chord.group.keys()] };
      return [...parallel(chord.group, "chord.group"), callback];
    }
    case "steps":
      return steps.map(({ depends_on: dependsOn = [], ...body }, index) => ({
        field: `steps.${index}`,
        body,
        dependsOn,
      }));
  }
}

/** @returns the names by position. @throws DomainError `invalid_input` if two steps have the same name */
function nameSteps(drafts: readonly Draft[]): string[] {
  const taken = new Map<string, string>();
  const fieldErrors: FieldErrors = {};
  for (const { field, body } of drafts) {
    if (body.name === undefined) continue;
    const other = taken.get(body.name);
    if (other) fieldErrors[`${field}.name`] = [`is the name of ${other} as well. Names must be unique.`];
    else taken.set(body.name, field);
  }
  throwFieldErrors(fieldErrors);
  const counts = new Map<string, number>();
  return drafts.map(({ field, body }) => {
    if (body.name !== undefined) return body.name;
    const base = body.type.replace(/[^A-Za-z0-9_-]/g, "_").slice(0, 56) || "step";
    for (;;) {
      const count = (counts.get(base) ?? 0) + 1;
      counts.set(base, count);
      const name = count === 1 ? base : `${base}_${count}`;
      if (taken.has(name)) continue;
      taken.set(name, field);
      return name;
    }
  });
}

function requestOf(
  { field, body, dependsOn }: Draft,
  names: readonly string[],
  position: number,
): StepRequest {
  const { name: _, type, on_failure: onFailure = "fail", when = "success", ...rest } = body;
  const { file_id: fileId, file_path: filePath, max_retries: maxRetries, ...task } = rest;
  if (fileId !== undefined && filePath !== undefined) {
    throw invalidField(`${field}.file_path`, "cannot be combined with `file_id`. Send one of them.");
  }
  return {
    field,
    name: names[position] ?? "",
    type,
    task: {
      ...task,
      ...(fileId === undefined ? {} : { fileId }),
      ...(filePath === undefined ? {} : { filePath }),
      ...(maxRetries === undefined ? {} : { maxRetries }),
    },
    onFailure,
    when,
    dependsOn: positionsOf(dependsOn, names, `${field}.depends_on`),
  };
}

function positionsOf(dependsOn: Draft["dependsOn"], names: readonly string[], field: string): number[] {
  const byName = new Map(names.map((name, position) => [name, position]));
  const invalid = (index: number, message: string): DomainError => invalidField(`${field}.${index}`, message);
  const found = new Set<number>();
  for (const [index, dependency] of dependsOn.entries()) {
    const position = typeof dependency === "number" ? dependency : byName.get(dependency);
    if (position === undefined) throw invalid(index, `"${dependency}" is not the name of a step.`);
    if (found.has(position)) throw invalid(index, `"${dependency}" is listed twice.`);
    found.add(position);
  }
  return [...found];
}
