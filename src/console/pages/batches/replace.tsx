/** Finds a text in one column of all failed rows, and replaces it after a preview. */
import { Alert, Button, Checkbox, Group, Select, Stack, Text, TextInput } from "@mantine/core";
import { useState } from "react";
import { invalidate } from "../../api/queries.ts";
import { Dialog } from "../../parts/dialog.tsx";
import { messageOf, showDone } from "../../parts/feedback.tsx";
import { formatCount } from "../../parts/format.ts";
import { words as common } from "../../words/common.ts";
import { rowWords as words } from "../../words/rows.ts";
import { replaceCells } from "./data/api.ts";
import type { Batch, Replaced, Replacement } from "./data/types.ts";
import { useTarget } from "./data/use-target.ts";
import { rulesOf } from "./grid/cells.ts";

interface ReplaceProps {
  readonly batch: Batch;
  readonly hasEdits: boolean;
  readonly onClose: () => void;
}

export function Replace({ batch, hasEdits, onClose }: ReplaceProps) {
  const { secrets } = rulesOf(batch, useTarget(batch.target));
  const columns = batch.header.filter((name) => !secrets.has(name));
  const [form, setForm] = useState<Replacement>({
    column: columns[0] ?? "",
    find: "",
    replace: "",
    isWholeCell: false,
    ignoresCase: false,
  });
  const [preview, setPreview] = useState<{ readonly of: Replacement; readonly found: Replaced } | null>(null);
  // The text can change while the matches of an earlier one are counted.
  const found = preview?.of === form ? preview.found : null;
  const [error, setError] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const change = (next: Partial<Replacement>) => {
    setForm({ ...form, ...next });
    setError(null);
  };
  const send = async (counted?: Replaced) => {
    setBusy(true);
    setError(null);
    try {
      const answer = await replaceCells(batch.id, form, counted);
      if (!counted) return setPreview({ of: form, found: answer });
      showDone(words.replaced(words.rows(answer.changed, formatCount(answer.changed))));
      onClose();
      await invalidate("/api/v1/batches", batch.id);
    } catch (cause) {
      // The number of matches may have changed since the preview.
      setPreview(null);
      setError(messageOf(cause));
    } finally {
      setBusy(false);
    }
  };
  const canSearch = !hasEdits && (form.find !== "" || form.isWholeCell);
  return (
    <Dialog onClose={onClose} title={words.replace} size="lg">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (canSearch) void send(found && found.matched > 0 ? found : undefined);
        }}
      >
        <Stack gap="sm">
          {hasEdits && <Alert color="yellow">{words.saveFirst}</Alert>}
          <Select
            label={words.replaceColumn}
            data={columns}
            value={form.column}
            allowDeselect={false}
            searchable
            onChange={(column) => change({ column: column ?? form.column })}
          />
          <Group grow align="flex-start">
            <TextInput
              label={words.find}
              value={form.find}
              autoComplete="off"
              data-autofocus
              onChange={({ currentTarget }) => change({ find: currentTarget.value })}
            />
            <TextInput
              label={words.replaceWith}
              value={form.replace}
              autoComplete="off"
              onChange={({ currentTarget }) => change({ replace: currentTarget.value })}
            />
          </Group>
          <Group gap="lg">
            <Checkbox
              label={words.wholeCell}
              description={words.wholeCellHint}
              checked={form.isWholeCell}
              onChange={({ currentTarget }) => change({ isWholeCell: currentTarget.checked })}
            />
            <Checkbox
              label={words.ignoreCase}
              checked={form.ignoresCase}
              onChange={({ currentTarget }) => change({ ignoresCase: currentTarget.checked })}
            />
          </Group>
          {error && (
            <Alert color="red" role="alert">
              {error}
            </Alert>
          )}
          {found && <Preview found={found} />}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              {common.cancel}
            </Button>
            <Button type="submit" loading={isBusy} disabled={!canSearch}>
              {found && found.matched > 0
                ? words.apply(words.rows(found.matched, formatCount(found.matched)))
                : words.preview}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}

function Preview({ found: { matched, samples, next_row } }: { readonly found: Replaced }) {
  return (
    <Stack gap="xs" role="status">
      <Text size="sm" fw={550}>
        {matched === 0 ? words.noMatches : words.matches(words.rows(matched, formatCount(matched)))}
      </Text>
      {next_row !== null && <Text size="sm">{words.partlySearched(formatCount(next_row))}</Text>}
      {samples.length > 0 && (
        <div className="panel" style={{ maxHeight: 240, overflow: "auto" }}>
          <table className="table">
            <thead>
              <tr>
                <th scope="col" className="end">
                  {words.sampleRow}
                </th>
                <th scope="col">{words.before}</th>
                <th scope="col">{words.after}</th>
              </tr>
            </thead>
            <tbody>
              {samples.map(({ row, before, after }) => (
                <tr key={row}>
                  <td className="end">{formatCount(row)}</td>
                  <td title={before}>{before || words.empty}</td>
                  <td title={after}>{after || words.empty}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Stack>
  );
}
