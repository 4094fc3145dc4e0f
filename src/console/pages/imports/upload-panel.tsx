import { Alert, Anchor, Button, Group, Progress, Stack, Text } from "@mantine/core";
import { IconAlertTriangle, IconInfoCircle } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { RowmillError } from "../../api/client.ts";
import { messageOf } from "../../parts/feedback.tsx";
import { formatBytes, formatDuration } from "../../parts/format.ts";
import { useNow } from "../../parts/moment.tsx";
import { words as common } from "../../words/common.ts";
import { importWords } from "../../words/imports.ts";
import { type Step, stepOfField } from "./steps.ts";
import type { UploadState } from "./use-upload.ts";

const words = importWords.upload;

interface UploadPanelProps {
  readonly state: UploadState;
  readonly file: File;
  readonly onStep: (step: Step) => void;
  readonly onForce: () => void;
}

/** The progress of the upload, or why it was not accepted. */
export function UploadPanel({ state, onStep, onForce }: UploadPanelProps) {
  if (state.kind === "sending") return <Sending state={state} />;
  if (state.kind === "cancelled")
    return (
      <Alert color="gray" role="status">
        {words.cancelled}
      </Alert>
    );
  if (state.kind === "file-changed")
    return (
      <Alert
        color="red"
        role="alert"
        title={importWords.unreadable.heading}
        icon={<IconAlertTriangle aria-hidden />}
      >
        <Stack gap="xs" align="flex-start">
          <Text size="sm">{importWords.unreadable.text}</Text>
          <Button size="xs" variant="default" onClick={() => onStep("file")}>
            {importWords.file.change}
          </Button>
        </Stack>
      </Alert>
    );
  if (state.kind === "replayed")
    return (
      <Alert color="blue" role="alert" title={words.replayed} icon={<IconInfoCircle aria-hidden />}>
        <Stack gap="xs">
          <Text size="sm">{words.replayedHint}</Text>
          <Group gap="xs">
            <Button size="xs" component={Link} to={`/batches/${state.batchId}`}>
              {words.openEarlier}
            </Button>
            <Button size="xs" variant="default" onClick={onForce}>
              {words.again}
            </Button>
          </Group>
        </Stack>
      </Alert>
    );
  return state.kind === "refused" ? <Refused error={state.error} at={state.at} onStep={onStep} /> : null;
}

function Sending({
  state: { sent, total, startedAt },
}: {
  readonly state: UploadState & { kind: "sending" };
}) {
  const now = useNow(1);
  const share = total === 0 ? 1 : sent / total;
  const seconds = Math.max(0.5, (now - startedAt) / 1000);
  const speed = sent / seconds;
  return (
    <Stack gap={6} className="panel" p="md">
      <Progress value={share * 100} aria-label={words.progress} size="lg" animated={share >= 1} />
      <Group justify="space-between" gap="xs">
        <Text size="sm">
          {share >= 1 ? words.storing : words.sending(formatBytes(sent), formatBytes(total))}
        </Text>
        {share < 1 && speed > 0 && seconds > 1 && (
          <Text size="sm" c="dimmed">
            {words.speed(formatBytes(speed))} · {words.left(formatDuration((total - sent) / speed))}
          </Text>
        )}
      </Group>
      <Text size="xs" c="dimmed">
        {words.keepOpen}
      </Text>
    </Stack>
  );
}

interface RefusedProps {
  readonly error: unknown;
  readonly at: number;
  readonly onStep: (step: Step) => void;
}

function Refused({ error, at, onStep }: RefusedProps) {
  const now = useNow(1);
  const failure = error instanceof RowmillError ? error : null;
  const steps = new Set(Object.keys(failure?.field_errors ?? {}).map(stepOfField));
  const wait = Math.ceil((failure?.retry_after ?? 0) - (now - at) / 1000);
  const message =
    failure?.status === 401 ? words.sessionEnded : failure?.status === 0 ? words.offline : messageOf(error);
  return (
    <Alert color="red" role="alert" title={words.refused} icon={<IconAlertTriangle aria-hidden />}>
      <Stack gap="xs" align="flex-start">
        <Text size="sm" className="import-wrap">
          {message}
        </Text>
        {wait > 0 && <Text size="sm">{words.waitSeconds(formatDuration(wait))}</Text>}
        <Text size="sm">{words.kept}</Text>
        {[...steps]
          .filter((step) => step !== "options")
          .map((step) => (
            <Anchor key={step} component="button" type="button" size="sm" onClick={() => onStep(step)}>
              {words.correctIn(importWords.steps[step])}
            </Anchor>
          ))}
        {failure?.request_id && (
          <Text size="xs" c="dimmed" ff="monospace">
            {common.requestId(failure.request_id)}
          </Text>
        )}
      </Stack>
    </Alert>
  );
}
