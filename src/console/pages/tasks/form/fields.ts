/** The fields of a form, made from the JSON Schema of the parameters of a task type. */

interface Common {
  readonly name: string;
  /** As in `field_errors` of the API: `params.resize.width`. */
  readonly path: string;
  readonly description: string;
  readonly isRequired: boolean;
  /** The API adds it. */
  readonly default?: unknown;
  readonly example?: unknown;
}

export interface TextField extends Common {
  readonly kind: "text";
  readonly format?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
}

export interface NumberField extends Common {
  readonly kind: "number";
  readonly isWhole: boolean;
  readonly min?: number;
  readonly max?: number;
  /** Whether `min` itself is too small. */
  readonly isMinExcluded?: boolean;
}

interface BooleanField extends Common {
  readonly kind: "boolean";
}

interface ChoiceField extends Common {
  readonly kind: "choice";
  readonly options: readonly Scalar[];
}

export interface ListField extends Common {
  readonly kind: "list";
  readonly item: TextField | NumberField | ChoiceField;
  readonly minItems?: number;
  readonly maxItems?: number;
}

interface GroupField extends Common {
  readonly kind: "group";
  readonly fields: readonly Field[];
}

/** A value of one of several shapes. */
export interface VariantsField extends Common {
  readonly kind: "variants";
  readonly variants: readonly Field[];
}

/** Anything else. */
interface JsonField extends Common {
  readonly kind: "json";
}

export type Field =
  | TextField
  | NumberField
  | BooleanField
  | ChoiceField
  | ListField
  | GroupField
  | VariantsField
  | JsonField;

export type Scalar = string | number | boolean;

interface JsonSchema {
  readonly type?: unknown;
  readonly description?: unknown;
  readonly default?: unknown;
  readonly examples?: unknown;
  readonly enum?: unknown;
  readonly const?: unknown;
  readonly anyOf?: unknown;
  readonly oneOf?: unknown;
  readonly properties?: unknown;
  readonly required?: unknown;
  readonly items?: unknown;
  readonly format?: unknown;
  readonly pattern?: unknown;
  readonly minLength?: unknown;
  readonly maxLength?: unknown;
  readonly minimum?: unknown;
  readonly maximum?: unknown;
  readonly exclusiveMinimum?: unknown;
  readonly minItems?: unknown;
  readonly maxItems?: unknown;
}

/** Deeper objects are edited as JSON. */
const MAX_DEPTH = 4;

export function fieldsOf(schema: unknown, path = "params", depth = 0): Field[] {
  const { properties, required } = asSchema(schema);
  const names = Array.isArray(required) ? required : [];
  return Object.entries(asRecord(properties)).map(([name, property]) =>
    fieldOf(property, { name, path: `${path}.${name}`, isRequired: names.includes(name) }, depth),
  );
}

function fieldOf(
  property: unknown,
  place: Pick<Common, "name" | "path" | "isRequired">,
  depth: number,
): Field {
  const schema = asSchema(property);
  const common: Common = {
    ...place,
    description: typeof schema.description === "string" ? schema.description : "",
    ...(schema.default === undefined ? {} : { default: schema.default }),
    ...(Array.isArray(schema.examples) && schema.examples.length > 0 ? { example: schema.examples[0] } : {}),
  };
  const shapes = Array.isArray(schema.anyOf) ? schema.anyOf : schema.oneOf;
  if (Array.isArray(shapes) && schema.properties === undefined) return ofShapes(shapes, common, depth);
  if (Array.isArray(schema.enum) && schema.enum.every(isScalar)) {
    return { ...common, kind: "choice", options: schema.enum };
  }
  switch (schema.type) {
    case "string":
      return {
        ...common,
        kind: "text",
        ...texts(schema, "format", "pattern"),
        ...numbers(schema, "minLength", "maxLength"),
      };
    case "integer":
    case "number":
      return { ...common, kind: "number", isWhole: schema.type === "integer", ...rangeOf(schema) };
    case "boolean":
      return { ...common, kind: "boolean" };
    case "array":
      return ofArray(schema, common, depth);
    case "object": {
      const fields = depth < MAX_DEPTH ? fieldsOf(schema, common.path, depth + 1) : [];
      return fields.length > 0 ? { ...common, kind: "group", fields } : { ...common, kind: "json" };
    }
    default:
      return { ...common, kind: "json" };
  }
}

function ofShapes(shapes: readonly unknown[], common: Common, depth: number): Field {
  const known = shapes.map(asSchema).filter(({ type }) => type !== "null");
  const constants = known.map((shape) => shape.const);
  if (constants.every(isScalar)) return { ...common, kind: "choice", options: constants };
  const place = { name: common.name, path: common.path, isRequired: common.isRequired };
  const variants = known.map((shape) => fieldOf(shape, place, depth));
  const [only] = variants;
  if (only && variants.length === 1) return { ...only, ...common };
  // Two shapes of one kind look the same in a form.
  const kinds = new Set(variants.map(({ kind }) => kind));
  const isUsable = kinds.size === variants.length && !kinds.has("variants");
  return isUsable ? { ...common, kind: "variants", variants } : { ...common, kind: "json" };
}

function ofArray(schema: JsonSchema, common: Common, depth: number): Field {
  const item = fieldOf(schema.items, { name: common.name, path: common.path, isRequired: true }, depth + 1);
  if (item.kind !== "text" && item.kind !== "number" && item.kind !== "choice") {
    return { ...common, kind: "json" };
  }
  return { ...common, kind: "list", item, ...numbers(schema, "minItems", "maxItems") };
}

function rangeOf(schema: JsonSchema): Pick<NumberField, "min" | "max" | "isMinExcluded"> {
  const { minimum, maximum, exclusiveMinimum } = schema;
  return {
    ...(typeof minimum === "number" ? { min: minimum } : {}),
    ...(typeof exclusiveMinimum === "number" ? { min: exclusiveMinimum, isMinExcluded: true } : {}),
    ...(typeof maximum === "number" ? { max: maximum } : {}),
  };
}

function numbers<K extends keyof JsonSchema>(schema: JsonSchema, ...names: K[]): { [key in K]?: number } {
  return Object.fromEntries(
    names.flatMap((name) => (typeof schema[name] === "number" ? [[name, schema[name]]] : [])),
  ) as { [key in K]?: number };
}

function texts<K extends keyof JsonSchema>(schema: JsonSchema, ...names: K[]): { [key in K]?: string } {
  return Object.fromEntries(
    names.flatMap((name) => (typeof schema[name] === "string" ? [[name, schema[name]]] : [])),
  ) as { [key in K]?: string };
}

function isScalar(value: unknown): value is Scalar {
  return ["string", "number", "boolean"].includes(typeof value);
}

function asSchema(value: unknown): JsonSchema {
  return asRecord(value);
}

export function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}

/** `rows_per_second` -> `Rows per second` */
export function titleOf(name: string): string {
  const text = name.replace(/[_-]+/g, " ").trim();
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The shape of a value that exists already; 0 if none fits. */
export function variantOf({ variants }: VariantsField, value: unknown): number {
  return Math.max(
    0,
    variants.findIndex((variant) => fits(variant, value)),
  );
}

function fits(field: Field, value: unknown): boolean {
  switch (field.kind) {
    case "text":
      return typeof value === "string";
    case "number":
      return typeof value === "number";
    case "boolean":
      return typeof value === "boolean";
    case "choice":
      return field.options.includes(value as Scalar);
    case "list":
      return Array.isArray(value);
    case "group":
      return typeof value === "object" && value !== null && !Array.isArray(value);
    case "variants":
    case "json":
      return true;
  }
}
