import { Code, Group, Stack, Text, Textarea } from "@mantine/core";
import { useState } from "react";
import { Copy } from "./copy.tsx";

/** Longer documents are cut: a page must not freeze. The copy has everything. */
const MAX_SHOWN = 50_000;

/** JSON to read and to copy. */
export function JsonBlock({ value, label }: { readonly value: unknown; readonly label: string }) {
  const text = JSON.stringify(value, null, 2) ?? "";
  return (
    <Stack gap={4}>
      <Group justify="space-between" gap="xs">
        <Text size="xs" c="dimmed" fw={550}>
          {label}
        </Text>
        <Copy value={text} label={`${label}: JSON`} />
      </Group>
      <Code block mah={360} style={{ overflow: "auto" }} tabIndex={0} role="region" aria-label={label}>
        {text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)} …` : text}
      </Code>
    </Stack>
  );
}

interface JsonEditorProps {
  readonly label: string;
  readonly description?: string | undefined;
  readonly error?: string | undefined;
  readonly isRequired?: boolean;
  /** The first text. */
  readonly initial: string;
  readonly onChange: (text: string) => void;
  readonly rows?: number;
  readonly placeholder?: string | undefined;
}

/** A field for JSON. It keeps the text as the user typed it. */
export function JsonEditor({ initial, onChange, isRequired, rows = 3, ...props }: JsonEditorProps) {
  const [text, setText] = useState(initial);
  return (
    <Textarea
      {...props}
      required={isRequired ?? false}
      value={text}
      onChange={({ currentTarget }) => {
        setText(currentTarget.value);
        onChange(currentTarget.value);
      }}
      autosize
      minRows={rows}
      maxRows={30}
      spellCheck={false}
      autoCapitalize="none"
      autoComplete="off"
      styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)", fontSize: 13 } }}
    />
  );
}
