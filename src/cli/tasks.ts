import { ConfigError } from "../errors.ts";
import type { TaskAction } from "../tasks/allowed-actions.ts";
import { cancelTask } from "../tasks/control/cancel-task.ts";
import { changeTasks } from "../tasks/control/change-tasks.ts";
import { deleteTask } from "../tasks/control/delete-task.ts";
import { retryTask } from "../tasks/control/retry-task.ts";
import { listTasks } from "../tasks/list-tasks.ts";
import type { Task } from "../tasks/transitions.ts";
import { viewTask } from "../tasks/views.ts";
import type { Values } from "./arguments.ts";
import { command, flag, type Session, text } from "./command.ts";
import { limitOf } from "./named.ts";
import { runTask } from "./run-task.ts";
import { afterCount, pagesOf, printJson, showPages } from "./table.ts";
import { filterOf, filterOptions, requireChoice } from "./task-filter.ts";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const changeOptions = { ...filterOptions, yes: flag, json: flag } as const;

export const taskCommands = [
  command({
    name: "tasks list",
    usage: "[FILTER] [--limit 20] [--json]",
    summary: "List tasks, newest first.",
    options: { ...filterOptions, limit: { ...text, default: "20" }, json: flag },
    async run({ connect }, values) {
      const limit = limitOf(values.limit);
      const ctx = await connect();
      const filter = await filterOf(ctx, values);
      const pages = pagesOf<Task>(limit, (left, last, searchedTo) =>
        listTasks(ctx, null, filter, { before: Number(searchedTo?.key ?? last?.number ?? 0), limit: left }),
      );
      const views = async function* () {
        for await (const page of pages) yield page.map((task) => viewTask(task, ctx));
      };
      await showPages(values.json, views(), ({ number, id, type, queue, status, progress, ...task }) => ({
        number,
        id,
        type,
        queue,
        status,
        "%": progress,
        user: task.user_id,
        created: task.created_at,
        error: task.error_code,
        title: task.title.slice(0, 40),
      }));
    },
  }),

  command({
    name: "tasks cancel",
    usage: "ID|FILTER [--reason TEXT] [--yes] [--json]",
    summary: "Cancel one task, or all that match. Without --yes, only count those that match.",
    takesArgument: true,
    options: { ...changeOptions, reason: { ...text, default: "" } },
    run: (session, values, id) => change(session, "cancel", id, values),
  }),

  command({
    name: "tasks retry",
    usage: "ID|FILTER [--force] [--yes] [--json]",
    summary: "Retry failed or cancelled tasks; with --force, completed tasks too.",
    takesArgument: true,
    options: { ...changeOptions, force: flag },
    run: (session, values, id) => change(session, "retry", id, values),
  }),

  command({
    name: "tasks delete",
    usage: "ID|FILTER [--yes] [--json]",
    summary: "Delete one task, or all that match. Without --yes, only count those that match.",
    takesArgument: true,
    options: changeOptions,
    run: (session, values, id) => change(session, "delete", id, values),
  }),

  command({
    name: "tasks run",
    usage: "TYPE [--params JSON] [--file PATH] [--title TEXT] [--user NAME] [--wait] [--json]",
    summary: "Create a task. With --wait, wait for its end and exit with 1 unless it completes.",
    takesArgument: true,
    options: { params: text, file: text, title: text, user: text, wait: flag, json: flag },
    run: runTask,
  }),
];

const DONE: Readonly<Record<TaskAction, string>> = {
  cancel: "cancelled",
  retry: "retried",
  delete: "deleted",
};

interface ChangeValues extends Values<typeof changeOptions> {
  readonly reason?: string;
  readonly force?: boolean;
}

async function change(
  { connect }: Session,
  action: TaskAction,
  id: string | undefined,
  values: ChangeValues,
): Promise<void> {
  const { reason = "", force = false } = values;
  if (id === undefined) requireChoice(values);
  else if (!UUID.test(id)) throw new ConfigError(`"${id}" is not a task ID. \`tasks list\` shows the IDs.`);
  const ctx = await connect();
  if (id === undefined) {
    const request = { action, filter: await filterOf(ctx, values), reason, force };
    const { matched } = await changeTasks(ctx, request);
    return afterCount(values, matched, DONE[action], () => changeTasks(ctx, { ...request, expect: matched }));
  }
  const task = await {
    cancel: () => cancelTask(ctx, null, id, reason),
    retry: () => retryTask(ctx, null, id, { force }),
    delete: () => deleteTask(ctx, null, id),
  }[action]();
  if (values.json) printJson(viewTask(task, ctx));
  else console.log(`Task ${task.number} is ${action === "delete" ? "deleted" : task.status}.`);
}
