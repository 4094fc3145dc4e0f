import Type, { type TObject } from "typebox";
import { Compile } from "typebox/compile";
import Value from "typebox/value";
import type { FieldErrors } from "../../errors.ts";
import { joinPath, schemaErrors, throwFieldErrors } from "../../platform/http/schema-errors.ts";
import { taskTypes } from "../types/registry.ts";
import type { TaskType } from "../types/task-type.ts";

const checks = new Map(taskTypes.map((type) => [type, Compile(type.params)]));

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
  const params: unknown = Value.Default(type.params, copyOf(raw));
  const check = checks.get(type);
  // A request can have thousands of tasks, so nothing else is done for those that are right.
  if (check?.Check(params) && unknownNames(type, params).length === 0)
    return params as Record<string, unknown>;
  const field = joinPath(path, requested === null && type.paramsFrom ? "metadata" : "params");
  const fieldErrors = check ? describeShapes(type.params, schemaErrors(check, params, field), field) : {};
  throwFieldErrors({ ...fieldErrors, ...unknownParams(type, params, field) });
  throw new Error(`The validator refused parameters of ${type.name} without reporting an error.`);
}

/** A copy is enough for most parameters, and much faster than a clone. */
function copyOf(raw: unknown): unknown {
  const isObject = typeof raw === "object" && !Array.isArray(raw);
  const isFlat = isObject && Object.values(raw ?? {}).every((value) => typeof value !== "object");
  return isFlat ? { ...raw } : structuredClone(raw);
}

/**
 * Validates the parameters that are known already, when others get their values later.
 * @throws DomainError `invalid_input` that names each wrong parameter
 */
export function checkKnownParams(
  type: TaskType,
  params: Readonly<Record<string, unknown>>,
  isKnown: (name: string) => boolean,
  path: string,
): void {
  const field = joinPath(path, "params");
  const known = Object.entries(type.params.properties).filter(([name]) => isKnown(name));
  const schema = Type.Object(Object.fromEntries(known));
  const values: unknown = Value.Default(
    schema,
    structuredClone(Object.fromEntries(Object.entries(params).filter(([name]) => isKnown(name)))),
  );
  const check = { Errors: (value: unknown) => [...Value.Errors(schema, value)] };
  const fieldErrors = describeShapes(type.params, schemaErrors(check, values, field), field);
  throwFieldErrors({ ...fieldErrors, ...unknownParams(type, params, field) });
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

function unknownParams(type: TaskType, params: unknown, field: string): FieldErrors {
  const known = Object.keys(type.params.properties).join(", ") || "none";
  return Object.fromEntries(
    unknownNames(type, params).map((name) => [
      joinPath(field, name),
      [`is not a parameter of ${type.name}. Known parameters: ${known}.`],
    ]),
  );
}

function unknownNames({ params: { properties } }: TaskType, params: unknown): string[] {
  if (typeof params !== "object" || params === null || Array.isArray(params)) return [];
  return Object.keys(params).filter((name) => !Object.hasOwn(properties, name));
}
