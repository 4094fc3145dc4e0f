/** The filters above a grid of rows, and the way to a row by its number. */
import { Button, Group, NumberInput, Pill, Text } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import { words as common } from "../../../words/common.ts";
import { rowWords as words } from "../../../words/rows.ts";
import type { RowWindows } from "./windows.ts";
import "@mantine/core/styles/Pill.layer.css";
import "@mantine/core/styles/NumberInput.layer.css";

const route = getRouteApi("/signed-in/batches/$batchId");

interface RowBarProps {
  readonly rows: RowWindows;
  readonly children: ReactNode;
}

export function RowBar({ rows, children }: RowBarProps) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const { code, column, whole, from, undo } = search;
  const change = (next: Partial<typeof search>) =>
    void navigate({ search: (known) => ({ ...known, ...next }) as typeof search, replace: true });
  const clearCause = { code: undefined, column: undefined, whole: undefined } as unknown as typeof search;
  const where = whole ? words.wholeRow : column;
  return (
    <Group gap="xs" justify="space-between">
      <Group gap="xs">
        <GoTo key={from} from={from} onGo={(row) => change({ from: row } as typeof search)} />
        {code !== undefined && (
          <Pill
            withRemoveButton
            onRemove={() => change(clearCause)}
            removeButtonProps={{ "aria-label": words.clearCause, "aria-hidden": false }}
          >
            {words.cause(where === undefined ? code : words.causeOf(code, where))}
          </Pill>
        )}
        {undo !== undefined && (
          <Pill
            withRemoveButton
            onRemove={() => change({ undo: undefined } as unknown as typeof search)}
            removeButtonProps={{ "aria-label": words.clearCause, "aria-hidden": false }}
          >
            {words.notReverted[undo]}
          </Pill>
        )}
      </Group>
      {rows.error !== null && rows.count > 0 && (
        <Text size="sm" c="red" role="alert">
          {words.readFailure}{" "}
          <Button size="compact-xs" variant="subtle" onClick={() => rows.refresh()}>
            {common.tryAgain}
          </Button>
        </Text>
      )}
      <Group gap="xs">{children}</Group>
    </Group>
  );
}

function GoTo({
  from,
  onGo,
}: {
  readonly from: number | undefined;
  readonly onGo: (row: number | undefined) => void;
}) {
  const [row, setRow] = useState<number | string>(from ?? "");
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        onGo(Number(row) >= 1 ? Number(row) : undefined);
      }}
    >
      <Group gap={6} wrap="nowrap">
        <NumberInput
          size="xs"
          w={130}
          min={1}
          allowDecimal={false}
          allowNegative={false}
          hideControls
          thousandSeparator
          aria-label={words.goToHint}
          placeholder={words.goTo}
          value={row}
          onChange={setRow}
        />
        <Button size="xs" variant="default" type="submit">
          {words.go}
        </Button>
        {from !== undefined && from > 1 && (
          <Button size="xs" variant="subtle" onClick={() => onGo(undefined)}>
            {words.fromFirst}
          </Button>
        )}
      </Group>
    </form>
  );
}
