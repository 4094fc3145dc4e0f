import { oneLine, type Row } from "../cli/table.ts";
import type { RowmillClient, Schemas, Task } from "../client/index.ts";
import { openFile } from "../client/node.ts";
import { ConfigError } from "../errors.ts";
import { command, flag, limitOf, type Session, text, texts } from "./command.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { showList } from "./lists.ts";
import { ProgressLine, taskLine } from "./progress.ts";
import { note, print, printJson, type Terminal } from "./terminal.ts";

export const taskCommands = [
  command({
    name: "tasks",
    usage: "[--status failed] [--type image] [--limit 20] [--json]",
    summary: "List your tasks, newest first.",
    options: { status: text, type: text, limit: { ...text, default: "20" }, json: flag },
    async run({ terminal, connect }, { status, type, limit, json }) {
      const client = await connect();
      const query = {
        ...(status === undefined ? {} : { status: [status] as Schemas["Task"]["status"][] }),
        ...(type === undefined ? {} : { type }),
      };
      await showList(terminal, client.list("/api/v1/tasks", { query, signal: terminal.interrupted }), {
        limit: limitOf(limit),
        json,
        rowOf: ({ id, number, type, status, progress, created_at, error_code, title }): Row => ({
          number,
          id,
          type,
          status,
          "%": progress,
          created: created_at,
          error: error_code,
          title: title.slice(0, 40),
        }),
      });
    },
  }),

  command({
    name: "task",
    usage: "ID [--wait] [--json]",
    summary: "Show a task. With --wait, wait for its end, and exit with 2 unless it completes.",
    takes: ["ID"],
    options: { wait: flag, json: flag },
    async run({ terminal, connect }, { wait, json }, [task_id = ""]) {
      const client = await connect();
      if (wait) return followTask(terminal, client, task_id, json);
      const path = { task_id };
      const task = await client.get("/api/v1/tasks/{task_id}", { path, signal: terminal.interrupted });
      await showTask(terminal, task, json);
      return EXIT.done;
    },
  }),

  command({
    name: "run",
    usage: "TYPE [--param KEY=VALUE]... [--file FILE] [--title TEXT] [--wait] [--json]",
    summary: "Create a task. With --wait, wait for its end, and exit with 2 unless it completes.",
    details: `A value of --param is JSON if it can be: --param width=800 --param 'resize=[800,600]' --param format=webp.
--file uploads the file first.`,
    takes: ["TYPE"],
    options: { param: texts, file: text, title: text, wait: flag, json: flag },
    async run({ terminal, connect }: Session, { param = [], file, title, wait, json }, [type = ""]) {
      const params = paramsOf(param);
      const client = await connect();
      const signal = terminal.interrupted;
      const stored = file === undefined ? null : await client.uploadFile(await opened(file), { signal });
      const body = {
        type,
        params,
        ...(stored === null ? {} : { file_id: stored.id }),
        ...(title === undefined ? {} : { title }),
      };
      // The server knows the types and their parameters, and describes what is wrong.
      const task = await client.post("/api/v1/tasks", { body: body as Schemas["NewTask"], signal });
      note(terminal, `Task ${task.number} (${task.id}) is in the queue ${task.queue}.`);
      if (wait) return followTask(terminal, client, task.id, json);
      await (json ? printJson(terminal, task) : print(terminal, task.id));
      return EXIT.done;
    },
  }),
];

function opened(file: string): Promise<File> {
  return openFile(file).catch((cause: NodeJS.ErrnoException) => {
    throw new ConfigError(`${file} cannot be read: ${cause.message}`, { cause });
  });
}

function paramsOf(pairs: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [, name, value] = /^([^=]+)=(.*)$/s.exec(pair) ?? [];
      if (name === undefined || value === undefined)
        throw new ConfigError(`--param: "${pair}" is not KEY=VALUE.`);
      return [name, parseValue(value)];
    }),
  );
}

function parseValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

async function followTask(
  terminal: Terminal,
  client: RowmillClient,
  id: string,
  json: boolean,
): Promise<ExitCode> {
  const task = await untilEnded(terminal, client, id);
  await showTask(terminal, task, json);
  return task.status === "completed" ? EXIT.done : EXIT.failures;
}

async function untilEnded(terminal: Terminal, client: RowmillClient, id: string): Promise<Task> {
  using line = new ProgressLine(terminal);
  try {
    return await client.waitForTask(id, {
      signal: terminal.interrupted,
      onChange: (task) => line.show(taskLine(task)),
    });
  } catch (error) {
    line[Symbol.dispose]();
    if (terminal.interrupted.aborted) {
      note(terminal, `The task goes on without this command. Follow it: rowmill task ${id} --wait`);
    }
    throw error;
  }
}

async function showTask(terminal: Terminal, task: Task, json: boolean): Promise<void> {
  if (json) return printJson(terminal, task);
  const { number, type, status, progress, result, error_code, error_message, cancel_reason } = task;
  await print(terminal, `Task ${number} (${type}) is ${status}, ${progress} %.`);
  const outcome =
    error_code !== null ? `${error_code}: ${error_message ?? ""}` : (result?.message ?? cancel_reason);
  if (outcome) await print(terminal, `  ${oneLine(String(outcome))}`);
}
