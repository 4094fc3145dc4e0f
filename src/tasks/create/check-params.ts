import type { TObject } from "typebox";
import { Compile } from "typebox/compile";
import Value from "typebox/value";
import type { FieldErrors } from "../../errors.ts";
import { joinPath, schemaErrors, throwFieldErrors } from "../../platform/http/schema-errors.ts";
import { taskTypes } from "../types/registry.ts";
import type { TaskType } from "../types/task-type.ts";

const checks = new Map(taskTypes.map(({ name, params }) => [name, Compile(params)]));

/**
 * Validates parameters and adds the defaults of the type.
 * @param requested null: derived from `metadata` if the type supports it
 * @param path the path of the task in the request, for errors, such as `tasks.3`
 * @throws DomainError `invalid_input` that names each wrong parameter
 */
export function checkParams(
  type: TaskType,
  requested: unknown,
  metadata: Readonly<Record<string, unknown>>,
  path = "",
): Record<string, unknown> {
  const raw = requested ?? type.paramsFrom?.(metadata) ?? {};
  const field = joinPath(path, requested === null && type.paramsFrom ? "metadata" : "params");
  const params: unknown = Value.Default(type.params, structuredClone(raw));
  const check = checks.get(type.name);
  const fieldErrors = check ? describeShapes(type.params, schemaErrors(check, params, field), field) : {};
  for (const name of unknownNames(type.params, params)) {
    fieldErrors[joinPath(field, name)] = [
      `is not a parameter of ${type.name}. Known parameters: ${namesOf(type.params)}.`,
    ];
  }
  throwFieldErrors(fieldErrors);
  return params as Record<string, unknown>;
}

/** For a parameter with several shapes, replaces the errors of each shape by the description of the parameter. */
function describeShapes({ properties }: TObject, fieldErrors: FieldErrors, field: string): FieldErrors {
  const described: FieldErrors = {};
  for (const [path, texts] of Object.entries(fieldErrors)) {
    const [name = ""] = path.slice(field.length + 1).split(".");
    const rule = properties[name];
    if (rule && "anyOf" in rule && "description" in rule) {
      described[joinPath(field, name)] = [`must be: ${rule.description}`];
    } else described[path] = texts;
  }
  return described;
}

function unknownNames({ properties }: TObject, params: unknown): string[] {
  if (typeof params !== "object" || params === null || Array.isArray(params)) return [];
  return Object.keys(params).filter((name) => !Object.hasOwn(properties, name));
}

function namesOf({ properties }: TObject): string {
  return Object.keys(properties).join(", ") || "none";
}
