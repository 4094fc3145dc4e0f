import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Files that take longest, in this order. A long file that starts last leaves the other workers without work. */
const SLOWEST = [
  "flows/own-data",
  "flows/task-sets-killed",
  "flows/workbooks",
  "flows/answer-memory",
  "flows/start",
  "flows/database-restart",
  "flows/batch-control",
  "flows/workers",
  "flows/demo",
  "flows/tasks",
  "flows/workflows",
  "flows/locks",
  "flows/schedules",
  "flows/migrate",
  "flows/own-target",
  "backups/backups",
  "batches/upkeep/days",
  "batches/history",
  "batches/process/write/plain-rows",
  "lists/windows",
  "queues/queues",
  "openapi/fuzz",
  "batches/receive/csv-fixtures",
  "batches/enqueue/pace",
  "openapi/inherited-names",
  "legacy/deletion",
  "batches/plans",
];

const placeOf = ({ moduleId }: TestSpecification) => {
  const place = SLOWEST.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
  return place === -1 ? SLOWEST.length : place;
};

/** Starts the slowest files of each project first, and then as vitest does. */
export class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).toSorted((a, b) => placeOf(a) - placeOf(b));
  }
}
