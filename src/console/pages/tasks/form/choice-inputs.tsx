/** The fields for one of several values, and for a list of values. */
import "@mantine/core/styles/Pill.layer.css";
import "@mantine/core/styles/PillsInput.layer.css";
import { Select, TagsInput } from "@mantine/core";
import { taskFormWords as words } from "../../../words/task-form.ts";
import type { Field, ListField, Scalar } from "./fields.ts";

/** The description has the whole width, and the field only what it needs. */
export const SHORT = { wrapper: { maxWidth: 360 } };

interface Shared {
  readonly label: string;
  readonly description: string;
  readonly error: string | undefined;
  readonly required: boolean;
}

export function ChoiceInput({
  options,
  nameOf,
  value,
  isClearable,
  onChange,
  ...shared
}: Shared & {
  readonly options: readonly Scalar[];
  readonly nameOf: (option: Scalar) => string;
  readonly value: unknown;
  readonly isClearable: boolean;
  readonly onChange: (value: unknown) => void;
}) {
  const at = options.indexOf(value as Scalar);
  return (
    <Select
      {...shared}
      data={options.map((option, position) => ({ value: String(position), label: nameOf(option) }))}
      value={at < 0 ? null : String(at)}
      placeholder={words.notSet}
      clearable={isClearable}
      allowDeselect={isClearable}
      searchable={options.length > 8}
      styles={SHORT}
      onChange={(position) => onChange(position === null ? undefined : options[Number(position)])}
    />
  );
}

export function ListInput({
  field,
  value,
  onChange,
  shared,
}: {
  readonly field: ListField;
  readonly value: unknown;
  readonly onChange: (value: unknown) => void;
  readonly shared: Shared;
}) {
  const { item, maxItems } = field;
  const entries = Array.isArray(value) ? value.map(String) : [];
  return (
    <TagsInput
      {...shared}
      value={entries}
      data={item.kind === "choice" ? item.options.map(String) : []}
      placeholder={entries.length === 0 ? (placeholderOf(field) ?? words.listHint) : ""}
      allowDuplicates
      acceptValueOnBlur
      {...(maxItems === undefined ? {} : { maxTags: maxItems })}
      onChange={(texts) =>
        onChange(
          texts.length === 0
            ? undefined
            : texts.map((text) => (item.kind === "number" ? numberOf(text) : text)),
        )
      }
    />
  );
}

export function placeholderOf({ example }: Field): string | undefined {
  if (example === undefined) return undefined;
  return words.example(typeof example === "string" ? example : JSON.stringify(example));
}

function numberOf(text: string): number | string {
  const value = Number(text);
  return text.trim() !== "" && Number.isFinite(value) ? value : text;
}
