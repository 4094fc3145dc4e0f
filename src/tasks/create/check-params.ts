import type { TObject } from "typebox";
import { Compile } from "typebox/compile";
import Value from "typebox/value";
import type { FieldErrors } from "../../errors.ts";
import { joinPath, schemaErrors, throwFieldErrors } from "../../platform/http/schema-errors.ts";
import { taskTypes } from "../types/registry.ts";
import type { TaskType } from "../types/task-type.ts";

const checks = new Map(taskTypes.map(({ name, params }) => [name, Compile(params)]));

/**
 * The parameters as the type takes them, with its defaults.
 * @param given null: derived from `metadata`, where the type can
 * @param path of the object that they came in, for errors: `tasks.3`
 * @throws DomainError `invalid_input` that names each parameter
 */
export function checkParams(
  type: TaskType,
  given: unknown,
  metadata: Readonly<Record<string, unknown>>,
  path = "",
): Record<string, unknown> {
  const raw = given ?? type.paramsFrom?.(metadata) ?? {};
  const field = joinPath(path, given === null && type.paramsFrom ? "metadata" : "params");
  const params: unknown = Value.Default(type.params, structuredClone(raw));
  const check = checks.get(type.name);
  const fieldErrors = check ? describeShapes(type.params, schemaErrors(check, params, field), field) : {};
  for (const name of unknownNames(type.params, params)) {
    fieldErrors[joinPath(field, name)] = [`is not a parameter of ${type.name}: ${namesOf(type.params)}.`];
  }
  throwFieldErrors(fieldErrors);
  return params as Record<string, unknown>;
}

/** What each shape of several that a parameter may have misses says nothing of what they are. */
function describeShapes({ properties }: TObject, fieldErrors: FieldErrors, field: string): FieldErrors {
  const told: FieldErrors = {};
  for (const [path, texts] of Object.entries(fieldErrors)) {
    const [name = ""] = path.slice(field.length + 1).split(".");
    const rule = properties[name];
    if (rule && "anyOf" in rule && "description" in rule) {
      told[joinPath(field, name)] = [`must be: ${rule.description}`];
    } else told[path] = texts;
  }
  return told;
}

function unknownNames({ properties }: TObject, params: unknown): string[] {
  if (typeof params !== "object" || params === null || Array.isArray(params)) return [];
  return Object.keys(params).filter((name) => !Object.hasOwn(properties, name));
}

function namesOf({ properties }: TObject): string {
  return Object.keys(properties).join(", ") || "it has none";
}
