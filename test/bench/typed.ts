/** The columns of defined targets: checked alone, and imported into a table of an application beside a floor. */
import { join } from "node:path";
import { type Bench, type Part, seconds, times, whole } from "./bench.ts";
import { type MeasuredColumns, measureColumns, measureTypedFloor } from "./columns.ts";
import { type MeasuredTable, measureOwnTable } from "./own-table.ts";
import { median } from "./table.ts";
import { writeTyped } from "./typed-rows.ts";

const ROWS = 100_000;

interface Run {
  readonly columns: MeasuredColumns;
  readonly floorSeconds: number;
  readonly table: MeasuredTable;
}

export async function typedPart({ databaseUrl, folder, runs, emptyTables }: Bench): Promise<Part> {
  const file = { csv: join(folder, "typed.csv"), copy: join(folder, "typed.copy") };
  await writeTyped(ROWS, file.csv, file.copy);
  const measured: Run[] = [];
  for (let run = 0; run < runs; run++) {
    const columns = measureColumns();
    const floorSeconds = await measureTypedFloor(databaseUrl, file.copy);
    await emptyTables();
    measured.push({ columns, floorSeconds, table: await measureOwnTable(databaseUrl, file.csv) });
  }
  const of = (pick: (run: Run) => number) => median(measured.map(pick));
  const figures = {
    columnsSeconds: of(({ columns }) => columns.seconds),
    columnsRowsPerSecond: of(({ columns }) => columns.rowsPerSecond),
    typedFloorSeconds: of(({ floorSeconds }) => floorSeconds),
    tableSeconds: of(({ table }) => table.insertSeconds),
    tableRatioToFloor: of(({ table, floorSeconds }) => table.insertSeconds / floorSeconds),
    tableUnchangedSeconds: of(({ table }) => table.unchangedSeconds),
  };
  const floor = `floor of ${ROWS.toLocaleString("en")} rows in a table of 12 types`;
  return {
    figures,
    lines: [
      ["1,000,000 cells of 12 types checked and converted", seconds(figures.columnsSeconds), ""],
      ["rows a second of 12 types, checked alone", whole(figures.columnsRowsPerSecond), ""],
      [floor, seconds(figures.typedFloorSeconds), ""],
      ["the same rows imported into a table of an application", seconds(figures.tableSeconds), ""],
      ["ratio to that floor", times(figures.tableRatioToFloor), "2.00 x"],
      ["imported again with upsert, no record changes", seconds(figures.tableUnchangedSeconds), ""],
    ],
  };
}
