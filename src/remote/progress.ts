/** One line on standard error that changes, if it is a terminal. */
import { oneLine } from "../cli/table.ts";
import type { Batch, Progress, Task } from "../client/index.ts";
import type { Terminal } from "./terminal.ts";

const BAR_WIDTH = 30;

export class ProgressLine implements Disposable {
  readonly #terminal: Terminal;
  #isShown = false;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  show(line: string): void {
    const { stderr } = this.#terminal;
    if (!stderr.isTTY) return;
    this.#isShown = true;
    stderr.write(`\r\x1b[K${oneLine(line).slice(0, (stderr.columns ?? 80) - 1)}`);
  }

  [Symbol.dispose](): void {
    if (this.#isShown) this.#terminal.stderr.write("\r\x1b[K");
    this.#isShown = false;
  }
}

function bar(share: number): string {
  const filled = Math.floor(Math.min(1, share) * BAR_WIDTH);
  return `${"█".repeat(filled)}${"░".repeat(BAR_WIDTH - filled)} ${String(Math.floor(share * 100)).padStart(3)} %`;
}

export function uploadLine({ sent, total }: Progress): string {
  return total === null
    ? `Uploading  ${megabytes(sent)}`
    : `${bar(sent / total)}  ${megabytes(sent)} of ${megabytes(total)}`;
}

export function batchLine({ state, counts, rows_per_second, seconds_left, waiting }: Batch): string {
  const done = counts.total - counts.pending - counts.processing;
  const rate = rows_per_second === null ? "" : `  ${Math.round(rows_per_second)} rows/s`;
  const left = seconds_left ? `  ${seconds_left} s left` : "";
  const why = waiting ? `  waits: ${waiting.message}` : "";
  return `${bar(counts.total === 0 ? 1 : done / counts.total)}  ${done} of ${counts.total} rows  ${state}${rate}${left}${why}`;
}

export function taskLine({ status, progress }: Task): string {
  return `${bar(progress / 100)}  ${status}`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
