/** Tasks, webhooks and mails. */
import { type Bench, milliseconds, type Part, times, whole } from "./bench.ts";
import { measureMessages } from "./messages.ts";
import { median } from "./table.ts";
import { type MeasuredCreation, measureCreation } from "./task-creation.ts";
import { measureLatency } from "./task-latency.ts";
import { LIMIT_PER_SECOND, type MeasuredTasks, measureTasks } from "./tasks.ts";

const TASKS = 10_000;

export async function workPart({ databaseUrl, runs, emptyTables }: Bench): Promise<Part> {
  const tasks: MeasuredTasks[] = [];
  const creations: MeasuredCreation[] = [];
  for (let run = 0; run < runs; run++) {
    await emptyTables();
    creations.push(await measureCreation(databaseUrl, TASKS));
    await emptyTables();
    tasks.push(await measureTasks(databaseUrl, TASKS));
  }
  await emptyTables();
  const latency = await measureLatency(databaseUrl);
  await emptyTables();
  const messages = await measureMessages(databaseUrl);
  const of = (pick: (run: MeasuredTasks) => number) => median(tasks.map(pick));
  const ofCreation = (pick: (run: MeasuredCreation) => number) => median(creations.map(pick));
  const figures = {
    tasksCreatedPerSecond: TASKS / ofCreation((run) => run.createdSeconds),
    tasksCreatedRatio: ofCreation((run) => run.createdSeconds / run.insertSeconds),
    tasksCompletedPerSecond: TASKS / of((run) => run.completedSeconds),
    tasksAnnouncedPerSecond: TASKS / of((run) => run.announcedSeconds),
    tasksLimitedPerSecond: TASKS / of((run) => run.limitedSeconds),
    tasksCompletedRatio: of((run) => run.completedSeconds / run.workSeconds),
    taskLatencyMs: latency.medianMs,
    taskLatencyP95Ms: latency.p95Ms,
    webhooksPerSecond: messages.webhooksPerSecond,
    mailsPerSecond: messages.mailsPerSecond,
  };
  return {
    figures,
    lines: [
      [`${TASKS.toLocaleString("en")} tasks created a second`, whole(figures.tasksCreatedPerSecond), ""],
      ["ratio to pg-boss's insert", times(figures.tasksCreatedRatio), "1.50 x"],
      ["tasks that do nothing completed a second", whole(figures.tasksCompletedPerSecond), "3,200"],
      ["the same with notifications in the app", whole(figures.tasksAnnouncedPerSecond), "3,200"],
      [
        `the same with a limit of ${LIMIT_PER_SECOND.toLocaleString("en")} per second`,
        whole(figures.tasksLimitedPerSecond),
        whole(LIMIT_PER_SECOND),
      ],
      ["ratio to pg-boss's work", times(figures.tasksCompletedRatio), ""],
      ["one task on an idle service, median", milliseconds(figures.taskLatencyMs), "20.0 ms"],
      ["one task on an idle service, 95th percentile", milliseconds(figures.taskLatencyP95Ms), ""],
      ["webhook messages a second, to 10 webhooks", whole(figures.webhooksPerSecond), ""],
      ["mails a second", whole(figures.mailsPerSecond), ""],
    ],
  };
}
