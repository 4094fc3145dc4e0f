/** Counts what matches, asks, and then shows the change until it has ended. */
import { Alert, Button, Group, Loader, Progress, Stack, Text, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Dialog } from "../../../parts/dialog.tsx";
import { Failure } from "../../../parts/feedback.tsx";
import { formatCount } from "../../../parts/format.ts";
import { bulkWords as words } from "../../../words/admin-bulk.ts";
import { words as commonWords } from "../../../words/common.ts";
import { type BulkAction, type BulkTarget, takesReason } from "./actions.ts";
import type { BulkResult } from "./run-bulk.ts";
import { countMatches, useBulkRun } from "./use-bulk-run.ts";

interface BulkDialogProps extends BulkTarget {
  readonly action: BulkAction;
  readonly onClose: () => void;
}

export function BulkDialog({ noun, filter, action, onClose }: BulkDialogProps) {
  const [reason, setReason] = useState("");
  const [typed, setTyped] = useState("");
  const target = { noun, filter, action };
  const counted = useQuery({
    queryKey: ["bulk", target],
    queryFn: ({ signal }) => countMatches(target, signal),
    gcTime: 0,
    staleTime: "static",
  });
  const { run, stop, done, result, error, isRunning, isStopping } = useBulkRun(target);
  const close = () => {
    stop();
    onClose();
  };
  const total = counted.data?.matched ?? 0;
  const isDelete = action === "delete";
  const shown = formatCount(total);
  return (
    <Dialog onClose={close} title={words.title(words.actions[action], noun)}>
      <Stack gap="md">
        {counted.isPending && (
          <Group gap="xs" role="status">
            <Loader size="xs" />
            <Text size="sm">{words.counting}</Text>
          </Group>
        )}
        {counted.error && <Failure error={counted.error} onRetry={() => void counted.refetch()} />}
        {counted.data && !isRunning && !result && !error && (
          <form
            onSubmit={(event) => {
              event.preventDefault();
              void run(total, reason.trim());
            }}
          >
            <Stack gap="sm">
              <Text size="sm" fw={550}>
                {total > 0 ? words.will(total, shown, noun) : words.nothing}
              </Text>
              {counted.data.others > 0 && (
                <Text size="sm">{words.others(counted.data.others, formatCount(counted.data.others))}</Text>
              )}
              {total > 0 && (
                <Text size="sm" c="dimmed">
                  {words.hints[action]}
                </Text>
              )}
              {total > 0 && takesReason(noun, action) && (
                <TextInput
                  label={words.reason}
                  description={words.reasonHint}
                  maxLength={1000}
                  value={reason}
                  onChange={({ currentTarget }) => setReason(currentTarget.value)}
                />
              )}
              {total > 0 && isDelete && (
                <TextInput
                  label={words.typed(String(total))}
                  autoComplete="off"
                  value={typed}
                  onChange={({ currentTarget }) => setTyped(currentTarget.value)}
                />
              )}
              <Group justify="flex-end" gap="xs">
                <Button variant="default" onClick={close}>
                  {total > 0 ? commonWords.cancel : commonWords.close}
                </Button>
                {total > 0 && (
                  <Button
                    type="submit"
                    color={isDelete ? "red" : ""}
                    disabled={isDelete && typed.trim() !== String(total)}
                  >
                    {words.run(words.actions[action], total, shown, noun)}
                  </Button>
                )}
              </Group>
            </Stack>
          </form>
        )}
        {isRunning && (
          <Stack gap="xs">
            <Progress value={(done / total) * 100} animated aria-label={words.running} />
            <Text size="sm">{words.progress(formatCount(done), shown)}</Text>
            <Text size="xs" c="dimmed">
              {words.running}
            </Text>
            <Group justify="flex-end">
              <Button variant="default" disabled={isStopping} onClick={stop}>
                {isStopping ? words.stopping : words.stop}
              </Button>
            </Group>
          </Stack>
        )}
        {error !== null && <Failure error={error} />}
        {result && (
          <Stack gap="sm">
            <Alert color={result.left > 0 ? "yellow" : "green"} role="status">
              {outcomeOf(result, noun)}
            </Alert>
            <Group justify="flex-end">
              <Button onClick={close}>{commonWords.close}</Button>
            </Group>
          </Stack>
        )}
      </Stack>
    </Dialog>
  );
}

function outcomeOf({ changed, left, isStopped }: BulkResult, noun: BulkTarget["noun"]): string {
  const shownLeft = formatCount(left);
  if (isStopped) return words.stopped(changed, formatCount(changed), noun, shownLeft);
  const done = words.done(changed, formatCount(changed), noun);
  return left > 0 ? `${done} ${words.left(shownLeft)}` : done;
}
