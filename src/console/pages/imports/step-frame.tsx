import { Button, Group, Stack, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";
import { importWords as words } from "../../words/imports.ts";

export interface Moves {
  readonly onBack: (() => void) | undefined;
  /** Absent: something is missing. */
  readonly onContinue: (() => void) | undefined;
}

interface StepFrameProps {
  readonly heading: string;
  readonly hint?: ReactNode;
  readonly moves: Moves;
  /** Instead of the button that continues. */
  readonly action?: ReactNode;
  readonly children: ReactNode;
}

export function StepFrame({ heading, hint, moves, action, children }: StepFrameProps) {
  const { onBack, onContinue } = moves;
  return (
    <Stack gap="md">
      <Stack gap={2}>
        <Title order={2} tabIndex={-1} className="import-heading">
          {heading}
        </Title>
        {hint && (
          <Text size="sm" c="dimmed" className="import-wrap">
            {hint}
          </Text>
        )}
      </Stack>
      {children}
      <Group justify="space-between" className="import-moves">
        {onBack ? (
          <Button variant="default" onClick={onBack}>
            {words.back}
          </Button>
        ) : (
          <span />
        )}
        {action ?? (
          <Button onClick={onContinue} disabled={!onContinue}>
            {words.continue}
          </Button>
        )}
      </Group>
    </Stack>
  );
}
