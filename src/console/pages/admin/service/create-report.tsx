import { Button, Group, SegmentedControl, Stack, Text, TextInput } from "@mantine/core";
import { useState } from "react";
import { client } from "../../../api/client.ts";
import { invalidate } from "../../../api/queries.ts";
import { Dialog } from "../../../parts/dialog.tsx";
import { showDone } from "../../../parts/feedback.tsx";
import { FormFailure, useForm } from "../../../parts/form.tsx";
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
  const form = useForm(
    async () => {
      const { id } = await client.post("/api/v1/reports", { body: { kind, ...(date ? { date } : {}) } });
      await invalidate("/api/v1/reports");
      showDone(words.created);
      return id;
    },
    (id) => {
      onClose();
      onCreated(id);
    },
  );
  return (
    <Dialog onClose={onClose} title={words.createTitle}>
      <form onSubmit={form.onSubmit}>
        <Stack gap="sm">
          <FormFailure error={form.error} />
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
            <Button type="submit" loading={form.isRunning}>
              {words.createNow}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
