/** The JSON behind the form. */
import { Button, Group, Stack, Textarea } from "@mantine/core";
import { targetWords } from "../../../words/targets.ts";
import type { Definition } from "./definition.ts";
import { jsonErrorAt } from "./json-error.ts";

const words = targetWords.editor;

export type Parsed = { readonly definition: Definition } | { readonly problem: string };

/** Reads JSON as far as the form needs it. The API checks the rest. */
export function parseDefinition(text: string): Parsed {
  const place = jsonErrorAt(text);
  if (place) return { problem: words.jsonWrong(place.line, place.column) };
  const value: unknown = JSON.parse(text);
  return isDefinition(value) ? { definition: value } : { problem: words.jsonShape };
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function isDefinition(value: unknown): value is Definition {
  if (!isObject(value) || !isObject(value.destination) || !Array.isArray(value.columns)) return false;
  const hasKind = ["table", "http", "records"].includes(String(value.destination.type));
  const isColumn = (column: unknown) =>
    isObject(column) && typeof column.name === "string" && typeof column.type === "string";
  return hasKind && value.columns.every(isColumn);
}

export function formatDefinition(definition: Definition): string {
  return JSON.stringify(definition, null, 2);
}

interface JsonTabProps {
  readonly text: string;
  readonly problem: string | undefined;
  readonly isReadOnly: boolean;
  readonly onChange: (text: string) => void;
  /** Back to the last correct text. */
  readonly onDiscard: () => void;
}

export function JsonTab({ text, problem, isReadOnly, onChange, onDiscard }: JsonTabProps) {
  return (
    <Stack gap="xs" className="panel" p="md">
      <Textarea
        label={words.json}
        description={words.jsonHint}
        error={problem}
        readOnly={isReadOnly}
        value={text}
        onChange={({ currentTarget }) => onChange(currentTarget.value)}
        rows={26}
        spellCheck={false}
        autoCapitalize="none"
        autoComplete="off"
        wrap="off"
        styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)", fontSize: 13 } }}
      />
      {problem !== undefined && (
        <Group>
          <Button size="compact-xs" variant="subtle" onClick={onDiscard}>
            {words.jsonDiscard}
          </Button>
        </Group>
      )}
    </Stack>
  );
}
