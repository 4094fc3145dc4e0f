import { Select } from "@mantine/core";
import { words } from "../words/common.ts";
import { stateWords } from "../words/states.ts";

interface Option<T extends string> {
  readonly value: T;
  readonly label: string;
}

interface ChoiceProps<T extends string> {
  readonly label: string;
  readonly value: T | undefined;
  readonly options: readonly Option<T>[];
  readonly onChange: (value: T | undefined) => void;
  readonly width?: number;
}

/** A filter with a few values. Without one, it shows its name. */
export function Choice<T extends string>({ label, value, options, onChange, width = 160 }: ChoiceProps<T>) {
  return (
    <Select
      size="xs"
      w={width}
      aria-label={label}
      placeholder={label}
      clearable
      clearButtonProps={{ "aria-label": words.clearFilter(label), tabIndex: -1 }}
      searchable={options.length > 10}
      data={[...options]}
      value={value ?? null}
      onChange={(chosen) => onChange(options.find((option) => option.value === chosen)?.value)}
    />
  );
}

export function stateOptions<T extends string>(states: readonly T[]): Option<T>[] {
  return states.map((value) => ({ value, label: stateWords[value] ?? value }));
}
