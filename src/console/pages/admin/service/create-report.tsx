import { Button, Group, SegmentedControl, Stack, Text, TextInput } from "@mantine/core";
import { useState } from "react";
import { client } from "../../../api/client.ts";
import { invalidate } from "../../../api/queries.ts";
import { Dialog } from "../../../parts/dialog.tsx";
import { Failure, showDone } from "../../../parts/feedback.tsx";
import { reportWords as words } from "../../../words/admin-service.ts";
import { words as commonWords } from "../../../words/common.ts";
import { REPORT_KINDS } from "../shared/search-shapes.ts";

interface CreateReportProps {
  readonly onClose: () => void;
  readonly onCreated: (id: string) => void;
}

export function CreateReport({ onClose, onCreated }: CreateReportProps) {
  const [kind, setKind] = useState<(typeof REPORT_KINDS)[number]>("daily");
  const [date, setDate] = useState("");
  const [error, setError] = useState<unknown>(null);
  const [isRunning, setRunning] = useState(false);
  const submit = async () => {
    setRunning(true);
    try {
      const { id } = await client.post("/api/v1/reports", { body: { kind, ...(date ? { date } : {}) } });
      await invalidate("/api/v1/reports");
      showDone(words.created);
      onClose();
      onCreated(id);
    } catch (cause) {
      setError(cause);
      setRunning(false);
    }
  };
  return (
    <Dialog onClose={onClose} title={words.createTitle}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <Stack gap="sm">
          {error !== null && <Failure error={error} />}
          <SegmentedControl
            aria-label={words.kind}
            value={kind}
            data={REPORT_KINDS.map((value) => ({ value, label: words.kinds[value] }))}
            onChange={(value) => setKind(REPORT_KINDS.find((known) => known === value) ?? "daily")}
          />
          <TextInput
            type="date"
            label={words.date}
            description={words.dateHint}
            value={date}
            onChange={({ currentTarget }) => setDate(currentTarget.value)}
          />
          <Text size="sm" c="dimmed">
            {words.createHint}
          </Text>
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              {commonWords.cancel}
            </Button>
            <Button type="submit" loading={isRunning}>
              {words.createNow}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
