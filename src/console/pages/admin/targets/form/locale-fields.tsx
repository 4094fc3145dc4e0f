import { SimpleGrid, Text } from "@mantine/core";
import { Section } from "../../../../parts/section.tsx";
import { targetFormWords } from "../../../../words/target-form.ts";
import type { Locale } from "../definition/definition.ts";
import { bindTo } from "./bound.ts";
import { ChoiceField, TextField, WordsField } from "./inputs.tsx";

const { locale: words, byDefault } = targetFormWords;

const entries = <T extends string>(names: Readonly<Record<T, string>>) =>
  Object.entries(names) as [T, string][];

interface LocaleProps {
  readonly locale: Locale;
  readonly onChange: (locale: Locale) => void;
}

export function LocaleFields(props: LocaleProps) {
  return (
    <Section title={words.heading}>
      <Text size="sm" c="dimmed">
        {words.hint}
      </Text>
      <LocaleInputs {...props} base={{}} none={byDefault} />
    </Section>
  );
}

interface LocaleInputsProps extends LocaleProps {
  /** The locale that applies to fields that are not set. */
  readonly base: Locale;
  readonly none: (value: string) => string;
}

export function LocaleInputs({ locale, onChange, base, none }: LocaleInputsProps) {
  const bind = bindTo(locale, "locale", onChange);
  const join = (texts: readonly string[] | undefined, hint: string) =>
    texts ? none(texts.join(", ")) : hint;
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }}>
      <ChoiceField
        label={words.decimal}
        none={none(words.decimals[base.decimal ?? "."])}
        options={entries(words.decimals)}
        field={bind("decimal")}
      />
      <ChoiceField
        label={words.group}
        none={none(words.groups[base.group ?? ""])}
        options={entries(words.groups)}
        field={bind("group")}
      />
      <ChoiceField
        label={words.dateOrder}
        none={none(words.dateOrders[base.date_order ?? "ymd"])}
        options={entries(words.dateOrders)}
        field={bind("date_order")}
      />
      <TextField label={words.timezone} placeholder={base.timezone ?? "UTC"} field={bind("timezone")} />
      <WordsField label={words.true} hint={join(base.true, words.trueHint)} field={bind("true")} />
      <WordsField label={words.false} hint={join(base.false, words.falseHint)} field={bind("false")} />
      <WordsField label={words.null} hint={join(base.null, words.nullHint)} field={bind("null")} />
    </SimpleGrid>
  );
}
