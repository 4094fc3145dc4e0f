/** A form made from the JSON Schema of the parameters of a target. */
import { Checkbox, NativeSelect, NumberInput, Stack, Text, Textarea, TextInput } from "@mantine/core";
import { importWords } from "../../words/imports.ts";
import { titleOf } from "../tasks/form/fields.ts";
import type { Target } from "./mapping.ts";
import type { Options } from "./options.ts";

type Params = Options["params"];

interface ParamSchema {
  readonly type?: string;
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
}

interface ParamsSchema {
  readonly properties?: Readonly<Record<string, ParamSchema>>;
  readonly required?: readonly string[];
}

/** Longer texts have several lines. */
const LINE_CHARS = 200;

export function missingParams({ params: schema }: Target, params: Params): string[] {
  return ((schema as ParamsSchema | null)?.required ?? []).filter((name) => params[name] === undefined);
}

interface ParamsFormProps {
  readonly target: Target;
  readonly params: Params;
  readonly onChange: (params: Params) => void;
}

export function ParamsForm({ target, params, onChange }: ParamsFormProps) {
  const { properties = {}, required = [] } = (target.params ?? {}) as ParamsSchema;
  if (Object.keys(properties).length === 0) return null;
  const set = (name: string, value: string | number | boolean | undefined) => {
    const { [name]: _, ...others } = params;
    onChange(value === undefined || value === "" ? others : { ...others, [name]: value });
  };
  return (
    <Stack gap="sm">
      <Text size="sm" fw={600}>
        {importWords.options.params}
      </Text>
      {Object.entries(properties).map(([name, schema]) => (
        <ParamField
          key={name}
          name={name}
          schema={schema}
          isRequired={required.includes(name)}
          value={params[name]}
          onChange={(value) => set(name, value)}
        />
      ))}
    </Stack>
  );
}

interface ParamFieldProps {
  readonly name: string;
  readonly schema: ParamSchema;
  readonly isRequired: boolean;
  readonly value: Params[string] | undefined;
  readonly onChange: (value: Params[string] | undefined) => void;
}

function ParamField({ name, schema, isRequired, value, onChange }: ParamFieldProps) {
  const shared = { label: titleOf(name), description: schema.description, required: isRequired };
  const text = { ...shared, value: value === undefined ? "" : String(value) };
  if (schema.type === "boolean")
    return (
      <Checkbox
        {...shared}
        checked={value === true}
        onChange={({ currentTarget }) => onChange(currentTarget.checked || undefined)}
      />
    );
  if (schema.type === "integer" || schema.type === "number")
    return (
      <NumberInput
        {...shared}
        value={typeof value === "number" ? value : ""}
        allowDecimal={schema.type === "number"}
        {...(schema.minimum === undefined ? {} : { min: schema.minimum })}
        {...(schema.maximum === undefined ? {} : { max: schema.maximum })}
        onChange={(next) => onChange(typeof next === "number" ? next : undefined)}
      />
    );
  if (schema.enum)
    return (
      <NativeSelect
        {...text}
        data={["", ...schema.enum]}
        onChange={({ currentTarget }) => onChange(currentTarget.value)}
      />
    );
  const length = schema.maxLength === undefined ? {} : { maxLength: schema.maxLength };
  if ((schema.maxLength ?? LINE_CHARS + 1) > LINE_CHARS)
    return (
      <Textarea
        {...text}
        {...length}
        rows={4}
        onChange={({ currentTarget }) => onChange(currentTarget.value)}
      />
    );
  return <TextInput {...text} {...length} onChange={({ currentTarget }) => onChange(currentTarget.value)} />;
}
