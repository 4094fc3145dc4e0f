import { Alert, Button, Group, Stack, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { Moment } from "../../../parts/moment.tsx";
import { targetWords } from "../../../words/targets.ts";
import type { Version } from "./definition/definition.ts";

const words = targetWords.editor;

interface ConflictAlertProps {
  /** The version that another administrator has saved. */
  readonly ahead: Version | "deleted";
  /** The version that was edited. */
  readonly base: number;
  readonly onReload: (version: Version) => void;
  readonly onOverwrite: (version: Version) => void;
}

export function ConflictAlert({ ahead, base, onReload, onOverwrite }: ConflictAlertProps) {
  if (ahead === "deleted")
    return (
      <Alert color="orange" role="alert" icon={<IconAlertTriangle aria-hidden />}>
        {words.conflictDeleted}
      </Alert>
    );
  return (
    <Alert
      color="orange"
      role="alert"
      icon={<IconAlertTriangle aria-hidden />}
      title={words.conflict(ahead.version, ahead.saved_by)}
    >
      <Stack gap="xs">
        <Text size="sm">
          {words.conflictHint(base)} <Moment at={ahead.saved_at} />
        </Text>
        <Group gap="xs">
          <Button size="xs" onClick={() => onReload(ahead)}>
            {words.reload}
          </Button>
          <Button size="xs" variant="default" onClick={() => onOverwrite(ahead)}>
            {words.overwrite}
          </Button>
        </Group>
      </Stack>
    </Alert>
  );
}
