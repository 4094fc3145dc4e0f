/** Columns of the lists of own schedules and of those of all users. */
import { Group, Text } from "@mantine/core";
import type { Schemas } from "../../../client/operations.ts";
import type { Column } from "../../parts/data-table.tsx";
import { Moment } from "../../parts/moment.tsx";
import { scheduleWords as words } from "../../words/schedules.ts";
import { describeWork } from "./schedule-names.ts";
import { TickBadge } from "./tick-outcome.tsx";

type ScheduleColumn = Column<Schemas["ListedSchedule"]>;

export const workColumn: ScheduleColumn = { name: words.runs, cell: describeWork };

export const timesColumn: ScheduleColumn = {
  name: words.times,
  cell: ({ cron, timezone }) => (
    <span>
      <Text span size="sm" ff="monospace">
        {cron}
      </Text>{" "}
      <Text span size="xs" c="dimmed">
        {timezone}
      </Text>
    </span>
  ),
};

export const lastTickColumn: ScheduleColumn = {
  name: words.last,
  cell: ({ last_tick }) =>
    last_tick ? (
      <Group gap={8} wrap="nowrap">
        <TickBadge tick={last_tick} />
        <Moment at={last_tick.tick_at} />
      </Group>
    ) : (
      <Text size="sm" c="dimmed">
        {words.never}
      </Text>
    ),
};
