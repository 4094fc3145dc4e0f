/** One field of a form that was made from a JSON Schema. */
import "@mantine/core/styles/Fieldset.layer.css";
import "@mantine/core/styles/NumberInput.layer.css";
import { Fieldset, NumberInput, SegmentedControl, Stack, Text, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";
import { JsonEditor } from "../../../parts/json.tsx";
import { words as commonWords } from "../../../words/common.ts";
import { taskFormWords as words } from "../../../words/task-form.ts";
import { ChoiceInput, ListInput, placeholderOf, SHORT } from "./choice-inputs.tsx";
import { withValue } from "./draft.ts";
import { asRecord, type Field, titleOf, type VariantsField, variantOf } from "./fields.ts";
import { NotJson, type Problems, parseJson } from "./problems.ts";

/** Texts that can be longer have a field of several lines. */
const LINE_LENGTH = 500;

interface InputProps<F extends Field = Field> {
  readonly field: F;
  readonly value: unknown;
  /** undefined: not set. */
  readonly onChange: (value: unknown) => void;
  readonly problems: Problems;
}

function FieldInput({ field, value, onChange, problems }: InputProps) {
  const shared = {
    label: titleOf(field.name),
    description: describe(field),
    error: errorOf(field, problems),
    required: field.isRequired,
  };
  switch (field.kind) {
    case "text":
      return field.maxLength !== undefined && field.maxLength > LINE_LENGTH ? (
        <Textarea
          {...shared}
          autosize
          minRows={2}
          maxRows={12}
          value={textOf(value)}
          placeholder={placeholderOf(field)}
          onChange={({ currentTarget }) => onChange(currentTarget.value || undefined)}
        />
      ) : (
        <TextInput
          {...shared}
          type={field.format === "date" ? "date" : "text"}
          value={textOf(value)}
          placeholder={placeholderOf(field)}
          autoComplete="off"
          onChange={({ currentTarget }) => onChange(currentTarget.value || undefined)}
        />
      );
    case "number":
      return (
        <NumberInput
          {...shared}
          value={typeof value === "number" || typeof value === "string" ? value : ""}
          placeholder={placeholderOf(field)}
          allowDecimal={!field.isWhole}
          {...(field.min === undefined || field.isMinExcluded ? {} : { min: field.min })}
          {...(field.max === undefined ? {} : { max: field.max })}
          clampBehavior="none"
          styles={SHORT}
          onChange={(next) => onChange(next === "" ? undefined : next)}
        />
      );
    case "boolean":
      return (
        <ChoiceInput
          {...shared}
          options={[true, false]}
          nameOf={(option) => (option ? commonWords.yes : commonWords.no)}
          value={value ?? field.default}
          isClearable={!field.isRequired && field.default === undefined}
          onChange={onChange}
        />
      );
    case "choice":
      return (
        <ChoiceInput
          {...shared}
          options={field.options}
          nameOf={String}
          value={value ?? field.default}
          isClearable={!field.isRequired && field.default === undefined}
          onChange={onChange}
        />
      );
    case "list":
      return <ListInput {...{ field, value, onChange }} shared={shared} />;
    case "group":
      return (
        <Fieldset legend={shared.label}>
          <Stack gap="sm">
            {shared.description && (
              <Text size="xs" c="dimmed">
                {shared.description}
              </Text>
            )}
            <FieldInputs
              fields={field.fields}
              values={asRecord(value)}
              onChange={(next) =>
                onChange(Object.keys(next).length > 0 || field.isRequired ? next : undefined)
              }
              problems={problems}
            />
            {problems[field.path] && (
              <Text size="xs" c="var(--mantine-color-error)" role="alert">
                {problems[field.path]}
              </Text>
            )}
          </Stack>
        </Fieldset>
      );
    case "variants":
      return <VariantsInput {...{ field, value, onChange, problems }} />;
    case "json":
      return (
        <JsonEditor
          label={shared.label}
          description={shared.description}
          error={shared.error}
          isRequired={field.isRequired}
          initial={jsonTextOf(value)}
          placeholder={placeholderOf(field)}
          onChange={(text) => onChange(parseJson(text))}
        />
      );
  }
}

/** The fields of an object. */
export function FieldInputs({
  fields,
  values,
  onChange,
  problems,
}: {
  readonly fields: readonly Field[];
  readonly values: Readonly<Record<string, unknown>>;
  readonly onChange: (values: Record<string, unknown>) => void;
  readonly problems: Problems;
}) {
  return fields.map((field) => (
    <FieldInput
      key={field.name}
      field={field}
      value={values[field.name]}
      onChange={(value) => onChange(withValue(values, field.name, value))}
      problems={problems}
    />
  ));
}

function VariantsInput({ field, value, onChange, problems }: InputProps<VariantsField>) {
  const [at, setAt] = useState(() => (value === undefined ? -1 : variantOf(field, value)));
  const variant = field.variants[at];
  const description = describe(field);
  return (
    <Fieldset legend={titleOf(field.name)}>
      <Stack gap="sm">
        {description && (
          <Text size="xs" c="dimmed">
            {description}
          </Text>
        )}
        <SegmentedControl
          size="xs"
          w="fit-content"
          aria-label={words.variant(titleOf(field.name))}
          value={String(at)}
          data={[
            ...(field.isRequired ? [] : [{ value: "-1", label: words.notSet }]),
            ...field.variants.map(({ kind }, position) => ({
              value: String(position),
              label: words.kinds[kind],
            })),
          ]}
          onChange={(position) => {
            setAt(Number(position));
            onChange(undefined);
          }}
        />
        {variant &&
          (variant.kind === "group" ? (
            <FieldInputs
              fields={variant.fields}
              values={asRecord(value)}
              onChange={(next) => onChange(Object.keys(next).length > 0 ? next : undefined)}
              problems={problems}
            />
          ) : (
            <FieldInput field={variant} value={value} onChange={onChange} problems={problems} />
          ))}
        {variant?.kind === "group" && problems[field.path] && (
          <Text size="xs" c="var(--mantine-color-error)" role="alert">
            {problems[field.path]}
          </Text>
        )}
      </Stack>
    </Fieldset>
  );
}

/** Problems of the items of a list belong to the field as well. */
function errorOf(field: Field, problems: Problems): string | undefined {
  const own = problems[field.path];
  if (own || field.kind === "group" || field.kind === "variants") return own;
  const inner = Object.keys(problems).find((path) => path.startsWith(`${field.path}.`));
  return inner === undefined ? undefined : problems[inner];
}

function textOf(value: unknown): string {
  return value === undefined || value === null ? "" : String(value);
}

function jsonTextOf(value: unknown): string {
  if (value instanceof NotJson) return value.text;
  return value === undefined ? "" : JSON.stringify(value, null, 2);
}

function describe(field: Field): string {
  const { description, default: byDefault, kind } = field;
  const isShown = kind === "choice" || kind === "boolean" || byDefault === undefined || byDefault === "";
  return isShown ? description : `${description} ${words.byDefault(JSON.stringify(byDefault))}`;
}
