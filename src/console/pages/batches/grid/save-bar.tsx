import { Alert, Button, Group, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconArrowBackUp } from "@tabler/icons-react";
import { useState } from "react";
import { invalidate } from "../../../api/queries.ts";
import { Confirm } from "../../../parts/confirm.tsx";
import { showDone } from "../../../parts/feedback.tsx";
import { formatCount } from "../../../parts/format.ts";
import { useBusy } from "../../../parts/use-busy.ts";
import { rowWords as words } from "../../../words/rows.ts";
import { editRows } from "../data/api.ts";
import { retryRows } from "../data/commands.ts";
import type { Batch } from "../data/types.ts";
import { countCells, refused, saved } from "./edits.ts";
import { saveEdits } from "./save-edits.ts";
import type { EditsOfBatch } from "./use-edits.ts";

interface SaveBarProps {
  readonly batch: Batch;
  readonly own: EditsOfBatch;
}

/** Appears with the first unsaved change. */
export function SaveBar({ batch: { id }, own: { edits, undo, discard, update } }: SaveBarProps) {
  const [isBusy, run] = useBusy();
  const [isAsking, ask] = useState(false);
  const cellCount = countCells(edits);
  if (cellCount === 0) return null;
  const cells = words.cells(cellCount, formatCount(cellCount));
  const rows = words.rows(edits.rows.size, formatCount(edits.rows.size));
  const save = (isRetry: boolean) =>
    run(async () => {
      const { done, problems } = await saveEdits(edits, (rows) => editRows(id, rows));
      update((known) => refused(saved(known, done), problems));
      const rows = words.rows(done.size, formatCount(done.size));
      if (isRetry && done.size > 0) await retryRows(id, { rows: [...done.keys()] });
      else await invalidate("/api/v1/batches", id);
      if (done.size > 0) showDone(isRetry ? words.savedAndRetried(rows) : words.saved(rows));
      if (problems.size > 0) {
        const left = words.rows(problems.size, formatCount(problems.size));
        notifications.show({ color: "red", message: words.notSaved(left), autoClose: 15_000 });
      }
    });
  return (
    <Alert color="yellow" variant="light" p="xs" role="status">
      <Group justify="space-between" gap="xs">
        <Text size="sm" fw={550}>
          {words.unsaved(cells, rows)}
        </Text>
        <Group gap="xs">
          <Button
            size="xs"
            variant="subtle"
            color="gray"
            leftSection={<IconArrowBackUp size={14} aria-hidden />}
            disabled={edits.steps.length === 0}
            onClick={undo}
          >
            {words.undo}
          </Button>
          <Button size="xs" variant="subtle" color="gray" onClick={() => ask(true)}>
            {words.discard}
          </Button>
          <Button size="xs" variant="default" loading={isBusy} onClick={() => save(false)}>
            {words.save}
          </Button>
          <Button size="xs" loading={isBusy} onClick={() => save(true)}>
            {words.saveAndRetry}
          </Button>
        </Group>
      </Group>
      <Confirm
        isOpen={isAsking}
        onClose={() => ask(false)}
        title={words.discardTitle}
        action={words.discard}
        isDangerous
        run={async () => discard()}
      >
        {words.discardText(cells)}
      </Confirm>
    </Alert>
  );
}
