import { TemplateError } from "./parse-template.ts";

interface Schema {
  readonly type?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: unknown;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
}

/**
 * Checks that a path leads to a value in the results of a task type.
 * @throws TemplateError that names the fields at the place where the path leaves the schema
 */
export function requirePath(schema: Schema, path: readonly string[], text: string, type: string): void {
  let at: readonly Schema[] = [schema];
  for (const segment of path) {
    const next = at.flatMap(variantsOf).flatMap((variant) => step(variant, segment));
    if (next.length === 0) {
      const names = [
        ...new Set(at.flatMap(variantsOf).flatMap(({ properties = {} }) => Object.keys(properties))),
      ];
      const known = names.length > 0 ? `Known fields: ${names.join(", ")}.` : "The value has no fields.";
      throw new TemplateError(
        `has \`{{${text}}}\`, but results of ${type} have no "${segment}" there. ${known}`,
      );
    }
    at = next;
  }
}

function variantsOf(schema: Schema): readonly Schema[] {
  return schema.anyOf ? schema.anyOf.flatMap(variantsOf) : [schema];
}

/** Returns the schemas of a field or an item. A schema that says nothing allows everything. */
function step(schema: Schema, segment: string): Schema[] {
  if (schema.type === undefined) return [{}];
  if (schema.type === "array") return /^\d+$/.test(segment) ? [schema.items ?? {}] : [];
  if (schema.type !== "object") return [];
  const { properties = {}, additionalProperties } = schema;
  const known = Object.hasOwn(properties, segment) ? properties[segment] : undefined;
  if (known) return [known];
  return typeof additionalProperties === "object" && additionalProperties !== null
    ? [additionalProperties as Schema]
    : [];
}
