import { Group, Text } from "@mantine/core";
import { useEffect, useRef } from "react";
import type { List } from "../../api/queries.ts";
import { type Column, DataTable } from "../../parts/data-table.tsx";
import { formatCount } from "../../parts/format.ts";
import { Moment } from "../../parts/moment.tsx";
import { scheduleWords } from "../../words/schedules.ts";
import type { Tick } from "./schedule-names.ts";
import { TickBadge, TickWork } from "./tick-outcome.tsx";

const words = scheduleWords.tick;

interface TickHistoryProps {
  readonly list: List<Tick>;
  /** The newest tick that the schedule knows. */
  readonly newest: Tick | null;
  readonly isOwn: boolean;
}

export function TickHistory({ list, newest, isOwn }: TickHistoryProps) {
  const version = newest && `${newest.created_at} ${newest.state}`;
  const known = useRef(version);
  const { refetch } = list;
  useEffect(() => {
    if (known.current !== version) refetch();
    known.current = version;
  }, [version, refetch]);
  return (
    <DataTable
      label={scheduleWords.history}
      list={list}
      columns={columnsOf(isOwn)}
      idOf={({ created_at, tick_at }) => `${tick_at} ${created_at}`}
      empty={
        <Text size="sm" c="dimmed">
          {scheduleWords.noHistory}
        </Text>
      }
    />
  );
}

function columnsOf(isOwn: boolean): readonly Column<Tick>[] {
  return [
    {
      name: words.at,
      isTitle: true,
      cell: ({ tick_at, is_manual }) => (
        <Group gap={6}>
          <Moment at={tick_at} />
          {is_manual && (
            <Text size="xs" c="dimmed">
              {words.manual}
            </Text>
          )}
        </Group>
      ),
    },
    { name: words.outcome, cell: (tick) => <TickBadge tick={tick} /> },
    { name: words.work, cell: (tick) => <TickWork tick={tick} isOwn={isOwn} /> },
    {
      name: words.why,
      cell: ({ reason, missed_count }) => (
        <span title={reason ?? ""}>
          {missed_count !== null && `${words.missed(formatCount(missed_count))}. `}
          {reason}
        </span>
      ),
    },
  ];
}
