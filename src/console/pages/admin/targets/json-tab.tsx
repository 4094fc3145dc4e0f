/** The JSON behind the form. */
import { Button, Group, Stack, Textarea } from "@mantine/core";
import { targetWords } from "../../../words/targets.ts";

const words = targetWords.editor;

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
