/** A chart over time, with its values in a legend and in a table. uPlot is loaded with the first chart of a page. */
import { ActionIcon, Box, Group, Skeleton, Text, Tooltip, UnstyledButton } from "@mantine/core";
import { IconChartLine, IconTable } from "@tabler/icons-react";
import { lazy, Suspense, useState } from "react";
import { chartWords as words } from "../words/chart.ts";
import { type ChartSeries, highestOf, latestOf, rangeAt, type TimeRange } from "./chart-data.ts";
import { formatMoment } from "./format.ts";
import { useZone } from "./preferences.ts";

const Plot = lazy(() => import("./plot.tsx").then(({ Plot }) => ({ default: Plot })));

interface ChartProps {
  readonly title: string;
  /** The start of what each value counts, the oldest first. */
  readonly times: readonly Date[];
  readonly series: readonly ChartSeries[];
  readonly format: (value: number) => string;
  /** Bars stand on each other. Default: lines. */
  readonly shape?: "lines" | "bars";
  readonly height?: number;
  /** Called with the time range of a point that the user has chosen. */
  readonly onPick?: ((range: TimeRange) => void) | undefined;
}

export function Chart({ title, times, series, format, shape = "lines", height = 160, onPick }: ChartProps) {
  const [isTable, showTable] = useState(false);
  const [at, setAt] = useState<number | null>(null);
  const [zone] = useZone();
  const formatValue = (value: number | null | undefined) => (value == null ? "–" : format(value));
  const time = at === null ? undefined : times[at];
  const toggle = isTable ? words.showChart : words.showTable;
  const Icon = isTable ? IconChartLine : IconTable;
  const pick = (index: number) => {
    const range = rangeAt(times, index);
    if (range) onPick?.(range);
  };
  const summary = series.map(({ name, values }) =>
    words.line(name, formatSpoken(latestOf(values), format), formatSpoken(highestOf(values), format)),
  );
  return (
    <Box component="figure" className="panel" m={0} p="md" miw={0}>
      <Group component="figcaption" justify="space-between" wrap="nowrap" gap="xs" mb={4}>
        <Text fw={600} size="sm" truncate title={title}>
          {title}
        </Text>
        <Group gap={6} wrap="nowrap" style={{ flex: "none" }}>
          {time && (
            <Text size="xs" c="dimmed">
              {formatMoment(time, zone)}
            </Text>
          )}
          <Tooltip label={toggle}>
            <ActionIcon
              size="sm"
              variant="subtle"
              color="gray"
              aria-label={`${toggle}: ${title}`}
              onClick={() => showTable(!isTable)}
            >
              <Icon size={14} />
            </ActionIcon>
          </Tooltip>
        </Group>
      </Group>
      <Group gap="md" mb="xs">
        {series.map(({ name, color, values }) => (
          <Group key={name} gap={6} wrap="nowrap">
            <Box w={10} h={10} bg={`var(${color})`} style={{ borderRadius: 3, flex: "none" }} aria-hidden />
            <Text size="xs" c="dimmed">
              {name}
            </Text>
            <Text size="xs" fw={600}>
              {formatValue(at === null ? latestOf(values) : values[at])}
            </Text>
          </Group>
        ))}
      </Group>
      {isTable ? (
        <ChartTable {...{ title, times, series, formatValue }} onPick={onPick && pick} />
      ) : (
        <Suspense fallback={<Skeleton height={height} />}>
          <Plot
            label={words.summary(title, summary.join(" "))}
            {...{ times, series, format, shape, height }}
            onHover={setAt}
            onPick={onPick && pick}
          />
        </Suspense>
      )}
    </Box>
  );
}

function formatSpoken(value: number | null, format: (value: number) => string): string {
  return value === null ? words.noValue : format(value);
}

interface ChartTableProps {
  readonly title: string;
  readonly times: readonly Date[];
  readonly series: readonly ChartSeries[];
  readonly formatValue: (value: number | null | undefined) => string;
  readonly onPick: ((at: number) => void) | undefined;
}

function ChartTable({ title, times, series, formatValue, onPick }: ChartTableProps) {
  const [zone] = useZone();
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a long table scrolls with the keyboard
    <section aria-label={title} tabIndex={0} style={{ overflow: "auto", maxHeight: 280 }}>
      <table className="table">
        <thead>
          <tr>
            <th scope="col">{words.time}</th>
            {series.map(({ name }) => (
              <th key={name} scope="col" className="end">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {times
            .map((time, at) => (
              <tr key={time.getTime()}>
                <td>
                  {onPick ? (
                    <UnstyledButton fz="sm" td="underline" onClick={() => onPick(at)}>
                      {formatMoment(time, zone)}
                    </UnstyledButton>
                  ) : (
                    formatMoment(time, zone)
                  )}
                </td>
                {series.map(({ name, values }) => (
                  <td key={name} className="end">
                    {formatValue(values[at])}
                  </td>
                ))}
              </tr>
            ))
            .reverse()}
        </tbody>
      </table>
    </section>
  );
}
