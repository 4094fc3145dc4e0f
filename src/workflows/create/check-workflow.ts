import type { Config } from "../../config/config.ts";
import { DomainError, type FieldErrors, invalidField } from "../../errors.ts";
import { joinPath, throwFieldErrors } from "../../platform/http/schema-errors.ts";
import { isUuid } from "../../platform/ids.ts";
import { requireStorable } from "../../platform/postgres/storable.ts";
import { checkKnownParams } from "../../tasks/create/check-params.ts";
import { checkRequest } from "../../tasks/create/create-tasks.ts";
import { requireSmallMetadata } from "../../tasks/create/task-body.ts";
import { requireTaskType } from "../../tasks/types/registry.ts";
import { resultSchema } from "../../tasks/types/result-schema.ts";
import type { TaskType } from "../../tasks/types/task-type.ts";
import { requirePath } from "../templates/check-path.ts";
import { locate } from "../templates/locate.ts";
import {
  mayHaveTemplates,
  parseTemplate,
  type Reference,
  TemplateError,
} from "../templates/parse-template.ts";
import { mapTexts } from "../templates/walk-texts.ts";
import { ancestryOf } from "./check-graph.ts";
import type { StepRequest, WorkflowRequest } from "./read-workflow.ts";

export interface CheckedStep extends StepRequest {
  readonly taskType: TaskType;
  readonly hasTemplates: boolean;
  /** Whether the file is known only when the step starts. */
  readonly hasFileTemplate: boolean;
}

/** Reported in one answer. */
const MAX_FIELD_ERRORS = 100;

/**
 * Checks all that is known when a workflow is created: types, templates, and the parameters without templates.
 * @throws DomainError `invalid_input` that names each wrong field, such as `steps.3.params.subject`
 */
export function checkWorkflow(config: Config, { name, steps }: WorkflowRequest): CheckedStep[] {
  requireStorable(name, "name");
  const checker = new Checker(config, steps);
  const fieldErrors: FieldErrors = {};
  const checked: CheckedStep[] = [];
  for (const position of steps.keys()) {
    try {
      checked.push(checker.check(position));
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      Object.assign(fieldErrors, error.fieldErrors);
      if (Object.keys(fieldErrors).length >= MAX_FIELD_ERRORS) break;
    }
  }
  throwFieldErrors(fieldErrors);
  return checked;
}

class Checker {
  readonly #config: Config;
  readonly #steps: readonly StepRequest[];
  readonly #types: readonly TaskType[];
  readonly #positions: ReadonlyMap<string, number>;
  readonly #isAncestor: (ancestor: number, position: number) => boolean;

  /** @throws DomainError `invalid_input` if a type does not exist */
  constructor(config: Config, steps: readonly StepRequest[]) {
    this.#config = config;
    this.#steps = steps;
    this.#types = steps.map(({ type, field }) => requireTaskType(type, `${field}.type`));
    this.#positions = new Map(steps.map(({ name }, position) => [name, position]));
    this.#isAncestor = ancestryOf(steps);
  }

  check(position: number): CheckedStep {
    const step = this.#steps[position];
    const taskType = this.#types[position];
    if (!step || !taskType) throw new Error(`The workflow has no step ${position}.`);
    const { field, task, type } = step;
    const { params = {}, fileId, filePath, ...rest } = task;
    for (const [name, value] of Object.entries(task)) requireStorable(value, joinPath(field, name));
    requireSmallMetadata(task.metadata, `${field}.metadata`);
    const templated = this.#findTemplates(position, { params, file_id: fileId, file_path: filePath });
    const isTemplated = (place: string) =>
      [...templated].some((one) => one === place || one.startsWith(`${place}.`));
    const hasFileTemplate = isTemplated("file_id") || isTemplated("file_path");
    if (fileId !== undefined && !isTemplated("file_id") && !isUuid(fileId))
      throw invalidField(`${field}.file_id`, "must be a UUID.");
    if (isTemplated("params")) {
      const known = { ...(params as Record<string, unknown>) };
      checkKnownParams(taskType, known, (name) => !isTemplated(`params.${name}`), field);
    } else
      checkRequest(this.#config, { ...rest, ...(task.params === undefined ? {} : { params }), type }, field);
    return { ...step, taskType, hasTemplates: templated.size > 0, hasFileTemplate };
  }

  /** @returns the places of all templates in the step. @throws DomainError `invalid_input` */
  #findTemplates(position: number, places: Readonly<Record<string, unknown>>): ReadonlySet<string> {
    const field = this.#steps[position]?.field ?? "";
    const found = new Set<string>();
    const fieldErrors: FieldErrors = {};
    const check = (text: string, place: string) => {
      if (!mayHaveTemplates(text)) return text;
      try {
        const pieces = parseTemplate(text);
        // A text that only names secrets stays as it is.
        if (pieces.join("") !== text) found.add(place);
        for (const piece of pieces) if (typeof piece !== "string") this.#requireReference(position, piece);
      } catch (error) {
        fieldErrors[`${field}.${place}`] = [textOf(error)];
      }
      return text;
    };
    for (const [place, value] of Object.entries(places)) {
      try {
        mapTexts(value, place, check);
      } catch (error) {
        fieldErrors[`${field}.${place}`] = [textOf(error)];
      }
    }
    throwFieldErrors(fieldErrors);
    return found;
  }

  /** @throws TemplateError unless the reference is to a step that is final before this one starts */
  #requireReference(position: number, reference: Reference): void {
    const dependsOn = this.#steps[position]?.dependsOn ?? [];
    const positionOf = (name: string) => this.#positions.get(name);
    const { positions, isList, part, path } = locate(reference, { dependsOn, positionOf });
    for (const source of positions) {
      if (!this.#isAncestor(source, position)) {
        throw new TemplateError(
          `has \`{{${reference.text}}}\`, but the step does not depend on "${this.#steps[source]?.name}", directly or indirectly.`,
        );
      }
      const type = this.#types[source];
      const schema = type && part === "result" && !isList ? resultSchema(type) : null;
      if (type && schema) requirePath(schema, path, reference.text, type.name);
    }
  }
}

function textOf(error: unknown): string {
  if (error instanceof TemplateError) return error.message;
  throw error;
}
