/** One row: its cells, its errors, and what happened to it. */
import { Alert, Button, Group, Stack, Text, Title } from "@mantine/core";
import { IconRefresh } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import type { Schemas } from "../../../client/operations.ts";
import { apiQuery } from "../../api/queries.ts";
import { CopiedId } from "../../parts/copy.tsx";
import { Failure, Loading, showDone } from "../../parts/feedback.tsx";
import { formatCount } from "../../parts/format.ts";
import { Moment } from "../../parts/moment.tsx";
import { SidePanel } from "../../parts/side-panel.tsx";
import { StateBadge } from "../../parts/states.tsx";
import { useBusy } from "../../parts/use-busy.ts";
import { rowWords as words } from "../../words/rows.ts";
import { allows } from "../allowed-actions.ts";
import { retryRows } from "./data/commands.ts";
import type { Batch } from "./data/types.ts";

type Detail = Schemas["RowDetail"];

interface RowDrawerProps {
  readonly batch: Batch;
  readonly row: number;
  readonly onClose: () => void;
}

export function RowDrawer({ batch, row, onClose }: RowDrawerProps) {
  const found = useQuery(
    apiQuery("/api/v1/batches/{batch_id}/rows/{row}", { path: { batch_id: batch.id, row } }),
  );
  return (
    <SidePanel title={words.details(formatCount(row))} onClose={onClose} size={620}>
      {found.data ? (
        <Details batch={batch} detail={found.data} />
      ) : found.error ? (
        <Failure error={found.error} onRetry={() => void found.refetch()} />
      ) : (
        <Loading />
      )}
    </SidePanel>
  );
}

function Details({ batch, detail }: { readonly batch: Batch; readonly detail: Detail }) {
  const [isBusy, run] = useBusy();
  const {
    row,
    status,
    errors,
    error_message,
    attempts,
    record_id,
    record_key,
    effect,
    waiting,
    undo,
    task_id,
  } = detail;
  const messages =
    errors.length > 0 ? errors : error_message ? [{ column: null, code: "", message: error_message }] : [];
  return (
    <Stack gap="md">
      <Group justify="space-between">
        <StateBadge state={status} />
        {status === "failed" && allows(batch, "retry") && (
          <Button
            size="xs"
            variant="default"
            loading={isBusy}
            leftSection={<IconRefresh size={14} aria-hidden />}
            onClick={() =>
              run(async () => {
                await retryRows(batch.id, { rows: [row] });
                showDone(words.retried(words.rows(1, "1")));
              })
            }
          >
            {words.retryOne}
          </Button>
        )}
      </Group>
      {messages.map(({ column, code, message }) => (
        <Alert key={`${column} ${code}`} color="red" variant="light" p="xs" title={column}>
          {message}
        </Alert>
      ))}
      {waiting && (
        <Text size="sm">
          {waiting.message} {words.waitingUntil} <Moment at={waiting.until} />
        </Text>
      )}
      <dl className="row-cells">
        {Object.entries(detail.fields).map(([name, cell]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{cell === "" ? <span className="row-empty">{words.empty}</span> : cell}</dd>
          </div>
        ))}
      </dl>
      <Text size="xs" c="dimmed">
        {words.attempts}: {formatCount(attempts)}
        {record_id !== null && ` · ${words.record} ${record_id}`}
        {record_key !== null && ` · ${words.record} ${keyText(record_key)}`}
        {effect && ` · ${words.effects[effect] ?? effect}`}
        {undo && ` · ${words.undoResult}: ${words.undoOutcomes[undo.outcome] ?? undo.outcome}`}
      </Text>
      {undo?.reason && <Text size="sm">{undo.reason}</Text>}
      <CopiedId id={task_id} label={words.rowId} />
      <History detail={detail} />
    </Stack>
  );
}

/** Such as `external_id DE1042`. */
function keyText(key: NonNullable<Detail["record_key"]>): string {
  return Object.entries(key)
    .map(([name, value]) => `${name} ${value ?? words.nullValue}`)
    .join(", ");
}

function History({ detail: { history, history_truncated } }: { readonly detail: Detail }) {
  return (
    <Stack gap="xs">
      <Title order={2}>{words.history}</Title>
      {history_truncated && (
        <Text size="sm" c="dimmed">
          {words.olderHistory}
        </Text>
      )}
      {history.length === 0 && (
        <Text size="sm" c="dimmed">
          {words.noHistory}
        </Text>
      )}
      {history.map((event) => (
        <div key={`${event.event} ${event.at}`} className="row-event">
          <Text size="sm" fw={550}>
            {event.event === "edited"
              ? words.editedEvent(event.edited_by)
              : words.failedEvent(event.retried_by)}{" "}
            <Text span size="xs" c="dimmed" fw={400}>
              <Moment at={event.at} />
            </Text>
          </Text>
          {event.event === "edited" ? (
            <dl className="row-cells">
              {Object.entries(event.fields).map(([name, cell]) => (
                <div key={name}>
                  <dt>{name}</dt>
                  <dd>{cell === "" ? <span className="row-empty">{words.empty}</span> : cell}</dd>
                </div>
              ))}
            </dl>
          ) : (
            <Text size="sm" c="dimmed">
              {event.error_message}
            </Text>
          )}
        </div>
      ))}
    </Stack>
  );
}
