/** A large file from its first byte to its last result, beside the floors. */
import { type Bench, growth, megabytes, milliseconds, type Part, seconds, times, whole } from "./bench.ts";
import { type Floor, measureFloor } from "./floor.ts";
import { type Imported, measureImport } from "./rowmill.ts";
import { median } from "./table.ts";

export const SMALL_ROWS = 100_000;

interface Run {
  readonly floor: Floor;
  readonly twice: Floor;
  readonly imported: Imported;
}

export async function rowsPart(bench: Bench): Promise<Part> {
  const { rows, databaseUrl } = bench;
  const small = await bench.makeFile(SMALL_ROWS);
  const big = await bench.makeFile(rows);
  const atSmall = await measureImport(databaseUrl, small.csv);
  const measured: Run[] = [];
  for (let run = 0; run < bench.runs; run++) {
    const floor = await measureFloor(databaseUrl, big, 1);
    const twice = await measureFloor(databaseUrl, big, 2);
    await bench.emptyTables();
    measured.push({ floor, twice, imported: await measureImport(databaseUrl, big.csv) });
  }
  const of = (pick: (run: Run) => number) => median(measured.map(pick));
  const figures = {
    floorSeconds: of(({ floor }) => floor.seconds),
    floorTwiceSeconds: of(({ twice }) => twice.seconds),
    copySeconds: of(({ floor }) => floor.copySeconds),
    acceptedSeconds: of(({ imported }) => imported.acceptedSeconds),
    acceptedRatioToCopy: of(({ imported, floor }) => imported.acceptedSeconds / floor.copySeconds),
    doneSeconds: of(({ imported }) => imported.doneSeconds),
    rowsPerSecond: rows / of(({ imported }) => imported.doneSeconds),
    ratioToFloor: of(({ imported, floor }) => imported.doneSeconds / floor.seconds),
    ratioToFloorTwice: of(({ imported, twice }) => imported.doneSeconds / twice.seconds),
    apiPeakMb: of(({ imported }) => imported.apiPeakMb),
    workerPeakMb: of(({ imported }) => imported.workerPeakMb),
    apiPeakMbSmall: atSmall.apiPeakMb,
    workerPeakMbSmall: atSmall.workerPeakMb,
    statusMs: of(({ imported }) => imported.statusMs),
    statusFloorMs: of(({ imported }) => imported.statusFloorMs),
    statusPacedMs: of(({ imported }) => imported.statusPacedMs),
    statusIdleMs: of(({ imported }) => imported.statusIdleMs),
  };
  const smallRows = SMALL_ROWS.toLocaleString("en");
  return {
    figures,
    lines: [
      ["floor: COPY, INSERT into books, INSERT into results", seconds(figures.floorSeconds), ""],
      ["floor on two connections", seconds(figures.floorTwiceSeconds), ""],
      ["COPY alone", seconds(figures.copySeconds), ""],
      ["upload answered 202", seconds(figures.acceptedSeconds), ""],
      ["ratio of the upload to COPY alone", times(figures.acceptedRatioToCopy), "1.50 x"],
      ["last row done", seconds(figures.doneSeconds), ""],
      ["rows a second, end to end", whole(figures.rowsPerSecond), ""],
      ["ratio to the floor", times(figures.ratioToFloor), "1.50 x"],
      ["ratio to the floor on two connections", times(figures.ratioToFloorTwice), "1.30 x"],
      ["peak memory, API", megabytes(figures.apiPeakMb), "250 MB"],
      ["peak memory, worker", megabytes(figures.workerPeakMb), "250 MB"],
      [`API above ${smallRows} rows`, growth(figures.apiPeakMb, figures.apiPeakMbSmall), "20 %"],
      [`worker above ${smallRows} rows`, growth(figures.workerPeakMb, figures.workerPeakMbSmall), "20 %"],
      ["status read while it runs, median", milliseconds(figures.statusMs), "5.0 ms"],
      ["floor of it: node:http and one statement", milliseconds(figures.statusFloorMs), ""],
      ["ratio to the floor of a status read", times(figures.statusMs / figures.statusFloorMs), ""],
      ["status read after it, as often, median", milliseconds(figures.statusPacedMs), ""],
      ["status reads after it, one after the other", milliseconds(figures.statusIdleMs), ""],
    ],
  };
}
