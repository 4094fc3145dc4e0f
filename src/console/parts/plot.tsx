/** The canvas of a chart. Canvases know no CSS variables, so that their values are read, again for each colour scheme. */
import { Box, useComputedColorScheme } from "@mantine/core";
import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { axisLabels, type ChartSeries, stack } from "./chart-data.ts";
import type { Zone } from "./format.ts";
import { useZone } from "./preferences.ts";

/** The distances of labels for counts: 1, 2, 5, 10, 20, ... */
const WHOLE_STEPS = Array.from(
  { length: 46 },
  (_, at) => ([1, 2, 5][at % 3] ?? 1) * 10 ** Math.floor(at / 3),
);

interface PlotProps {
  /** Read by screen readers. */
  readonly label: string;
  readonly times: readonly Date[];
  readonly series: readonly ChartSeries[];
  readonly format: (value: number) => string;
  readonly shape: "lines" | "bars";
  readonly height: number;
  /** The point below the pointer. */
  readonly onHover: (at: number | null) => void;
  readonly onPick: ((at: number) => void) | undefined;
}

export function Plot(props: PlotProps) {
  const { label, times, series, shape, height, onPick } = props;
  const box = useRef<HTMLDivElement>(null);
  const current = useRef(props);
  current.current = props;
  const plot = useRef<uPlot | null>(null);
  const [zone] = useZone();
  const scheme = useComputedColorScheme();
  const data = dataOf(times, series, shape);
  const newest = useRef(data);
  newest.current = data;
  // Only new series, colours or sizes need a new canvas. New values do not.
  const look = JSON.stringify([scheme, zone, shape, height, series.map(({ name, color }) => [name, color])]);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const made = new uPlot(optionsOf(element, current, zone), newest.current, element);
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [look]);
  const version = JSON.stringify(data);
  useEffect(() => plot.current?.setData(newest.current), [version]);
  return (
    <Box
      ref={box}
      role="img"
      aria-label={label}
      h={height}
      style={{ overflow: "hidden", ...(onPick ? { cursor: "pointer" } : {}) }}
      onClick={() => {
        const at = plot.current?.cursor.idx;
        if (at != null) onPick?.(at);
      }}
    />
  );
}

function dataOf(
  times: readonly Date[],
  series: readonly ChartSeries[],
  shape: PlotProps["shape"],
): uPlot.AlignedData {
  const values = series.map(({ values }) => values);
  // The highest bars are drawn first, so that the others stand before them.
  const drawn = shape === "bars" ? stack(values).reverse() : values.map((list) => [...list]);
  return [times.map((time) => time.getTime() / 1000), ...drawn];
}

function optionsOf(
  element: HTMLElement,
  current: { readonly current: PlotProps },
  zone: Zone,
): uPlot.Options {
  const { times, series, shape, height } = current.current;
  const style = getComputedStyle(element);
  const color = (name: string) => style.getPropertyValue(name).trim();
  const drawn = shape === "bars" ? series.toReversed() : series;
  const bars =
    shape === "bars"
      ? { paths: uPlot.paths.bars?.({ size: [0.8, 32], align: 1 }), points: { show: false } }
      : {};
  const spanMs = (times.at(-1)?.getTime() ?? 0) - (times[0]?.getTime() ?? 0);
  const isWhole = series.every(({ values }) => values.every((value) => Number.isInteger(value ?? 0)));
  const label = axisLabels(zone, spanMs);
  const axis = {
    stroke: color("--mantine-color-dimmed"),
    font: `11px ${style.fontFamily}`,
    ticks: { show: false },
  };
  return {
    width: element.clientWidth,
    height,
    // Room for the last label of the time.
    padding: [8, 20, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
    ...(zone === "utc" ? { tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC") } : {}),
    // From 0, and not without height if all values are 0.
    scales: { y: { range: (_, __, max) => [0, max > 0 ? max * 1.1 : 1] } },
    axes: [
      {
        ...axis,
        size: 26,
        space: 70,
        grid: { show: false },
        values: (_, splits) => splits.map((seconds) => label(new Date(seconds * 1000))),
      },
      {
        ...axis,
        size: 56,
        space: 34,
        grid: { stroke: color("--rowmill-line"), width: 1 },
        ...(isWhole ? { incrs: WHOLE_STEPS } : {}),
        values: (_, splits) => splits.map((value) => current.current.format(value)),
      },
    ],
    series: [
      {},
      ...drawn.map((one): uPlot.Series => {
        const stroke = color(one.color);
        return {
          label: one.name,
          stroke,
          width: shape === "bars" ? 0 : 1.5,
          fill: shape === "bars" ? stroke : "",
          spanGaps: false,
          ...bars,
        } as uPlot.Series;
      }),
    ],
    hooks: {
      setCursor: [({ cursor }) => current.current.onHover(cursor.idx ?? null)],
    },
  };
}
