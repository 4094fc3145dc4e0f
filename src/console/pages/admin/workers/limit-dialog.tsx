import { Button, Group, Select, Stack, TextInput } from "@mantine/core";
import { useState } from "react";
import { client } from "../../../api/client.ts";
import { invalidate } from "../../../api/queries.ts";
import { Dialog } from "../../../parts/dialog.tsx";
import { fieldError, showDone } from "../../../parts/feedback.tsx";
import { FormFailure, useForm } from "../../../parts/form.tsx";
import { workerWords as words } from "../../../words/admin-overview.ts";
import { words as commonWords } from "../../../words/common.ts";
import { titleOf } from "../../tasks/form/fields.ts";
import { useTypeOptions } from "../shared/choices.ts";

interface LimitDialogProps {
  /** null: a new one. */
  readonly limit: {
    readonly type: string;
    readonly per_second: number | null;
    readonly concurrent: number | null;
  } | null;
  readonly onClose: () => void;
}

const textOf = (value: number | null | undefined) => (value == null ? "" : String(value));
const numberOf = (text: string) => (text.trim() === "" ? null : Number(text));

export function LimitDialog({ limit, onClose }: LimitDialogProps) {
  const [type, setType] = useState(limit?.type ?? null);
  const [perSecond, setPerSecond] = useState(textOf(limit?.per_second));
  const [concurrent, setConcurrent] = useState(textOf(limit?.concurrent));
  const types = useTypeOptions();
  const form = useForm(
    async () => {
      if (type === null) return false;
      const body = { per_second: numberOf(perSecond), concurrent: numberOf(concurrent) };
      await client.put("/api/v1/admin/task-limits/{type}", { path: { type }, body });
      await invalidate("/api/v1/admin/task-limits");
      showDone(words.saved(titleOf(type)));
      return true;
    },
    (isSaved) => {
      if (isSaved) onClose();
    },
  );
  return (
    <Dialog onClose={onClose} title={limit ? words.editLimit(titleOf(limit.type)) : words.setLimit}>
      <form onSubmit={form.onSubmit}>
        <Stack gap="sm">
          <FormFailure error={form.error} fields={["per_second", "concurrent"]} />
          {!limit && (
            <Select
              label={words.type}
              required
              withAsterisk={false}
              searchable
              data={types}
              value={type}
              onChange={setType}
              data-autofocus
            />
          )}
          <TextInput
            label={words.perSecond}
            description={words.perSecondHint}
            inputMode="decimal"
            value={perSecond}
            error={fieldError(form.error, "per_second")}
            onChange={({ currentTarget }) => setPerSecond(currentTarget.value)}
          />
          <TextInput
            label={words.concurrent}
            description={words.concurrentHint}
            inputMode="numeric"
            value={concurrent}
            error={fieldError(form.error, "concurrent")}
            onChange={({ currentTarget }) => setConcurrent(currentTarget.value)}
          />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              {commonWords.cancel}
            </Button>
            <Button type="submit" loading={form.isRunning} disabled={type === null}>
              {words.save}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
