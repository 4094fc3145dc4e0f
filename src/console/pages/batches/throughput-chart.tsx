import { Chart } from "../../parts/chart.tsx";
import { formatCount } from "../../parts/format.ts";
import { batchWords as words } from "../../words/batches.ts";
import { type Sample, speedsOf } from "./throughput.ts";

/** The speed since the page was opened. */
export function ThroughputChart({ samples }: { readonly samples: readonly Sample[] }) {
  const speeds = speedsOf(samples);
  return (
    <Chart
      title={words.throughput}
      times={speeds.map(({ at }) => new Date(at * 1000))}
      series={[
        {
          name: words.throughput,
          color: "--rowmill-running",
          values: speeds.map(({ rowsPerSecond }) => Math.round(rowsPerSecond)),
        },
      ]}
      format={formatCount}
      height={110}
    />
  );
}
