/** Tasks, webhooks and mails: what the benchmark measures of them, and the lines of its table. */
import { type MeasuredMessages, measureMessages } from "./messages.ts";
import { median } from "./table.ts";
import { type MeasuredCreation, measureCreation } from "./task-creation.ts";
import { type MeasuredLatency, measureLatency } from "./task-latency.ts";
import { type MeasuredTasks, measureTasks } from "./tasks.ts";

const TASKS = 10_000;

export interface MeasuredWork {
  readonly tasks: readonly MeasuredTasks[];
  readonly creations: readonly MeasuredCreation[];
  readonly latency: MeasuredLatency;
  readonly messages: MeasuredMessages;
}

interface Means {
  readonly databaseUrl: string;
  readonly runs: number;
  readonly emptyTables: () => Promise<void>;
}

export async function measureWork({ databaseUrl, runs, emptyTables }: Means): Promise<MeasuredWork> {
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
  return { tasks, creations, latency, messages: await measureMessages(databaseUrl) };
}

export function workResult({ tasks, creations, latency, messages }: MeasuredWork) {
  const of = (pick: (run: MeasuredTasks) => number) => median(tasks.map(pick));
  const ofCreation = (pick: (run: MeasuredCreation) => number) => median(creations.map(pick));
  return {
    tasksCreatedPerSecond: TASKS / ofCreation((run) => run.createdSeconds),
    tasksCreatedRatio: ofCreation((run) => run.createdSeconds / run.insertSeconds),
    tasksCompletedPerSecond: TASKS / of((run) => run.completedSeconds),
    tasksAnnouncedPerSecond: TASKS / of((run) => run.announcedSeconds),
    tasksCompletedRatio: of((run) => run.completedSeconds / run.workSeconds),
    taskLatencyMs: latency.medianMs,
    taskLatencyP95Ms: latency.p95Ms,
    webhooksPerSecond: messages.webhooksPerSecond,
    mailsPerSecond: messages.mailsPerSecond,
  };
}

export function workLines(work: MeasuredWork): [string, string, string][] {
  const result = workResult(work);
  const rate = (value: number) => Math.round(value).toLocaleString("en");
  const ms = (value: number) => `${value.toFixed(1)} ms`;
  return [
    [`${TASKS.toLocaleString("en")} tasks created a second`, rate(result.tasksCreatedPerSecond), ""],
    ["ratio to pg-boss's insert", `${result.tasksCreatedRatio.toFixed(2)} x`, "1.50 x"],
    ["tasks that do nothing completed a second", rate(result.tasksCompletedPerSecond), "3,200"],
    ["the same with notifications in the app", rate(result.tasksAnnouncedPerSecond), "3,200"],
    ["ratio to pg-boss's work", `${result.tasksCompletedRatio.toFixed(2)} x`, ""],
    ["one task on an idle service, median", ms(result.taskLatencyMs), "20.0 ms"],
    ["one task on an idle service, 95th percentile", ms(result.taskLatencyP95Ms), ""],
    ["webhook messages a second, to 10 webhooks", rate(result.webhooksPerSecond), ""],
    ["mails a second", rate(result.mailsPerSecond), ""],
  ];
}
