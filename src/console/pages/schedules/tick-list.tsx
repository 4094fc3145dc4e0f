import { Text } from "@mantine/core";
import { Facts } from "../../parts/facts.tsx";
import { Moment } from "../../parts/moment.tsx";
import { scheduleWords as words } from "../../words/schedules.ts";

/** Times in the zone of the schedule, and how far away they are. */
export function TickList({
  ticks,
  timeZone,
}: {
  readonly ticks: readonly string[];
  readonly timeZone: string;
}) {
  if (ticks.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        {words.noTicks}
      </Text>
    );
  }
  return <Facts facts={ticks.map((tick) => [inZone(tick, timeZone), <Moment key={tick} at={tick} />])} />;
}

function inZone(tick: string, timeZone: string): string {
  return new Intl.DateTimeFormat(undefined, {
    weekday: "short",
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
    timeZoneName: "short",
    timeZone,
  }).format(new Date(tick));
}
