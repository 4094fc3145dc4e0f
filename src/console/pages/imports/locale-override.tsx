import { Collapse, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { Disclosure } from "../../parts/disclosure.tsx";
import { importWords } from "../../words/imports.ts";
import { LocaleInputs } from "../admin/targets/form/locale-fields.tsx";
import type { Target } from "./mapping.ts";

const words = importWords.options;

type Locale = NonNullable<Target["locale"]>;

interface LocaleOverrideProps {
  /** The locale of the target. */
  readonly base: Locale;
  readonly locale: Locale;
  readonly onChange: (locale: Locale) => void;
}

/** For a file that writes numbers or dates in another way than the target expects. */
export function LocaleOverride({ base, locale, onChange }: LocaleOverrideProps) {
  const [isOpen, setOpen] = useState(false);
  const isShown = isOpen || Object.keys(locale).length > 0;
  return (
    <Stack gap="xs">
      <Disclosure isOpen={isShown} onToggle={() => setOpen(!isOpen)} label={words.locale} />
      <Collapse expanded={isShown}>
        <Stack gap="xs">
          <Text size="sm" c="dimmed">
            {words.localeHint}
          </Text>
          <LocaleInputs base={base} none={words.ofTarget} locale={locale} onChange={onChange} />
        </Stack>
      </Collapse>
    </Stack>
  );
}
