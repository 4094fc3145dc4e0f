import type { TObject } from "typebox";
import { Compile } from "typebox/compile";
import Value from "typebox/value";
import { DomainError, type FieldErrors } from "../errors.ts";
import { taskTypes } from "./registry.ts";
import type { TaskType } from "./task-type.ts";

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
  const field = joined(path, given === null && type.paramsFrom ? "metadata" : "params");
  const fieldErrors: FieldErrors = {};
  const tell = (name: string, text: string) => {
    fieldErrors[name] = [...(fieldErrors[name] ?? []), text];
  };
  const params: unknown = Value.Default(type.params, structuredClone(raw));
  for (const name of unknownNames(type.params, params)) {
    tell(joined(field, name), `is not a parameter of ${type.name}: ${namesOf(type.params)}.`);
  }
  for (const { instancePath, message } of checks.get(type.name)?.Errors(params) ?? []) {
    const [name = ""] = instancePath.slice(1).split("/");
    const rule = type.params.properties[name];
    // What each of several shapes misses says nothing of what they are.
    if (rule && "anyOf" in rule && "description" in rule) {
      fieldErrors[joined(field, name)] = [`must be: ${rule.description}`];
    } else tell(joined(field, instancePath.slice(1).replaceAll("/", ".")), `${message}.`);
  }
  const [first] = Object.entries(fieldErrors);
  if (!first) return params as Record<string, unknown>;
  throw new DomainError("invalid_input", `${first[0]}: ${first[1][0]}`, { fieldErrors });
}

function joined(...parts: string[]): string {
  return parts.filter(Boolean).join(".");
}

function unknownNames({ properties }: TObject, params: unknown): string[] {
  if (typeof params !== "object" || params === null || Array.isArray(params)) return [];
  return Object.keys(params).filter((name) => !(name in properties));
}

function namesOf({ properties }: TObject): string {
  return Object.keys(properties).join(", ") || "it has none";
}
