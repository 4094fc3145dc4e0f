import { Button, Group, Stack, TextInput } from "@mantine/core";
import { useState } from "react";
import { client } from "../../../../api/client.ts";
import { fieldError } from "../../../../parts/feedback.tsx";
import { FormFailure, useForm } from "../../../../parts/form.tsx";
import { targetWords } from "../../../../words/targets.ts";
import type { Start } from "../definition/start.ts";

const words = targetWords.start;

export function FromTable({ onStart }: { readonly onStart: (start: Start) => void }) {
  const [table, setTable] = useState("");
  const form = useForm(
    () => client.post("/api/v1/targets", { query: { from_table: table.trim() } }),
    ({ name, definition, notes }) => onStart({ name, definition, notes, sample: null }),
  );
  return (
    <form onSubmit={form.onSubmit} noValidate>
      <Stack className="panel" p="md" maw={640}>
        <FormFailure error={form.error} fields={["from_table"]} />
        <TextInput
          label={words.table}
          description={words.tableHint}
          placeholder="shop.customers"
          spellCheck={false}
          autoComplete="off"
          value={table}
          error={fieldError(form.error, "from_table")}
          onChange={({ currentTarget }) => setTable(currentTarget.value)}
        />
        <Group justify="flex-end">
          <Button type="submit" loading={form.isRunning} disabled={table.trim() === ""}>
            {words.propose}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
