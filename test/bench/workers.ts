/** Imports with several workers, which share the cores of this machine with the database and the API. */
import { type Bench, type Part, whole } from "./bench.ts";
import { measureImport } from "./rowmill.ts";
import { median } from "./table.ts";

const WORKERS = [1, 2, 4];
const MAX_ROWS = 500_000;

export async function workersPart({ rows, runs, databaseUrl, makeFile, emptyTables }: Bench): Promise<Part> {
  const count = Math.min(rows, MAX_ROWS);
  const file = await makeFile(count);
  const figures: Record<string, number> = {};
  for (const workers of WORKERS) {
    const seconds: number[] = [];
    for (let run = 0; run < runs; run++) {
      await emptyTables();
      seconds.push((await measureImport(databaseUrl, file.csv, {}, workers - 1)).doneSeconds);
    }
    figures[`rowsPerSecondOf${workers}Workers`] = count / median(seconds);
  }
  return {
    figures,
    lines: Object.values(figures).map((value, index) => [
      `${count.toLocaleString("en")} rows, ${WORKERS[index]} worker(s), rows a second`,
      whole(value),
      "",
    ]),
  };
}
