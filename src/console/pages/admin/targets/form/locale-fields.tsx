import { SimpleGrid, Text } from "@mantine/core";
import { Section } from "../../../../parts/section.tsx";
import { targetFormWords } from "../../../../words/target-form.ts";
import type { Locale } from "../definition.ts";
import { bindTo } from "./bound.ts";
import { ChoiceField, TextField, WordsField } from "./inputs.tsx";

const { locale: words, byDefault } = targetFormWords;

const entries = <T extends string>(names: Readonly<Record<T, string>>) =>
  Object.entries(names) as [T, string][];

export function LocaleFields({
  locale,
  onChange,
}: {
  readonly locale: Locale;
  readonly onChange: (locale: Locale) => void;
}) {
  const bind = bindTo(locale, "locale", onChange);
  return (
    <Section title={words.heading}>
      <Text size="sm" c="dimmed">
        {words.hint}
      </Text>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <ChoiceField
          label={words.decimal}
          none={byDefault(words.decimals["."])}
          options={entries(words.decimals)}
          field={bind("decimal")}
        />
        <ChoiceField
          label={words.group}
          none={byDefault(words.groups[""])}
          options={entries(words.groups)}
          field={bind("group")}
        />
        <ChoiceField
          label={words.dateOrder}
          none={byDefault(words.dateOrders.ymd)}
          options={entries(words.dateOrders)}
          field={bind("date_order")}
        />
        <TextField label={words.timezone} placeholder="UTC" field={bind("timezone")} />
        <WordsField label={words.true} hint={words.trueHint} field={bind("true")} />
        <WordsField label={words.false} hint={words.falseHint} field={bind("false")} />
        <WordsField label={words.null} hint={words.nullHint} field={bind("null")} />
      </SimpleGrid>
    </Section>
  );
}
