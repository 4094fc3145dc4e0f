/** Inputs for the fields of a definition. */
import "@mantine/core/styles/NumberInput.layer.css";
import "@mantine/core/styles/Pill.layer.css";
import "@mantine/core/styles/PillsInput.layer.css";
import {
  Autocomplete,
  Checkbox,
  NativeSelect,
  NumberInput,
  TagsInput,
  Textarea,
  TextInput,
} from "@mantine/core";
import { useState } from "react";
import { type Bound, useShared } from "./bound.ts";

const MONO = { input: { fontFamily: "var(--mantine-font-family-monospace)", fontSize: 13 } };

interface InputProps<T> {
  readonly label: string;
  readonly hint?: string;
  readonly field: Bound<T>;
}

interface TextProps extends InputProps<string> {
  /** An empty text stays, and the API says that it is missing. */
  readonly isRequired?: boolean;
  readonly isCode?: boolean;
  readonly placeholder?: string;
  readonly maxLength?: number;
}

export function TextField({ label, hint, field, isRequired, isCode, placeholder, maxLength }: TextProps) {
  return (
    <TextInput
      {...useShared(field.path)}
      label={label}
      description={hint}
      withAsterisk={isRequired ?? false}
      {...(placeholder === undefined ? {} : { placeholder })}
      {...(maxLength === undefined ? {} : { maxLength })}
      {...(isCode ? { styles: MONO } : {})}
      spellCheck={!isCode}
      autoComplete="off"
      value={field.value ?? ""}
      onChange={({ currentTarget: { value } }) => field.set(value === "" && !isRequired ? undefined : value)}
    />
  );
}

/** A text that often is one of those that are known. */
export function KnownTextField({
  label,
  hint,
  field,
  known,
}: InputProps<string> & { readonly known: readonly string[] }) {
  return (
    <Autocomplete
      {...useShared(field.path)}
      label={label}
      description={hint}
      styles={MONO}
      data={[...known]}
      value={field.value ?? ""}
      onChange={(value) => field.set(value === "" ? undefined : value)}
    />
  );
}

interface ValueProps extends Omit<InputProps<never>, "field"> {
  readonly field: {
    readonly value: string | number | boolean | undefined;
    readonly path: string;
    readonly set: (value: string | number | undefined) => void;
  };
  readonly isNumber: boolean;
}

/** A text or a number, as the user types it. */
export function ValueField({ label, hint, field, isNumber }: ValueProps) {
  return (
    <TextInput
      {...useShared(field.path)}
      label={label}
      description={hint}
      autoComplete="off"
      value={field.value === undefined ? "" : String(field.value)}
      onChange={({ currentTarget: { value } }) => {
        const number = Number(value);
        const isExact = isNumber && value !== "" && String(number) === value;
        field.set(value === "" ? undefined : isExact ? number : value);
      }}
    />
  );
}

export function NumberField({
  label,
  hint,
  field,
  min,
  max,
}: InputProps<number> & { readonly min?: number; readonly max?: number }) {
  return (
    <NumberInput
      {...useShared(field.path)}
      label={label}
      description={hint}
      allowDecimal={false}
      hideControls
      {...(min === undefined ? {} : { min })}
      {...(max === undefined ? {} : { max })}
      value={field.value ?? ""}
      onChange={(value) => field.set(typeof value === "number" ? value : undefined)}
    />
  );
}

interface ChoiceProps<T extends string> extends InputProps<T> {
  readonly options: readonly (readonly [value: T, name: string])[];
  /** The name of no choice. Absent: there is always one. */
  readonly none?: string;
}

export function ChoiceField<T extends string>({ label, hint, field, options, none }: ChoiceProps<T>) {
  return (
    <NativeSelect
      {...useShared(field.path)}
      label={label}
      description={hint}
      data={[
        ...(none === undefined ? [] : [{ value: NONE, label: none }]),
        ...options.map(([value, name]) => ({ value, label: name })),
      ]}
      value={field.value ?? NONE}
      onChange={({ currentTarget }) =>
        field.set(options.find(([value]) => value === currentTarget.value)?.[0])
      }
    />
  );
}

/** Not a value of any choice: the separator of groups can be an empty text. */
const NONE = "\u0000";

export function FlagField({
  label,
  hint,
  field,
  byDefault = false,
}: InputProps<boolean> & { readonly byDefault?: boolean }) {
  const { error, disabled } = useShared(field.path);
  return (
    <Checkbox
      label={label}
      description={hint}
      error={error}
      disabled={disabled}
      checked={field.value ?? byDefault}
      onChange={({ currentTarget: { checked } }) => field.set(checked === byDefault ? undefined : checked)}
    />
  );
}

/** A list of short texts. */
export function WordsField({
  label,
  hint,
  field,
  known = [],
  isRequired,
}: InputProps<string[]> & { readonly known?: readonly string[]; readonly isRequired?: boolean }) {
  return (
    <TagsInput
      {...useShared(field.path)}
      label={label}
      description={hint}
      withAsterisk={isRequired ?? false}
      data={[...known]}
      // A word may have a comma.
      splitChars={[]}
      acceptValueOnBlur
      value={field.value ?? []}
      onChange={(words) => field.set(words.length === 0 && !isRequired ? undefined : words)}
    />
  );
}

interface LinesProps<T> extends InputProps<T> {
  readonly format: (value: T | undefined) => string;
  readonly parse: (text: string) => T | undefined;
  readonly placeholder?: string;
}

/** A value that is written in lines. The text stays as the user types it. */
export function LinesField<T>({ label, hint, field, format, parse, placeholder }: LinesProps<T>) {
  const [text, setText] = useState(() => format(field.value));
  // Another version, or the JSON, may have changed the value meanwhile.
  const isCurrent = JSON.stringify(parse(text)) === JSON.stringify(field.value);
  return (
    <Textarea
      {...useShared(field.path)}
      label={label}
      description={hint}
      autosize
      minRows={3}
      maxRows={14}
      spellCheck={false}
      autoComplete="off"
      styles={MONO}
      {...(placeholder === undefined ? {} : { placeholder })}
      value={isCurrent ? text : format(field.value)}
      onChange={({ currentTarget: { value } }) => {
        setText(value);
        field.set(parse(value));
      }}
    />
  );
}
