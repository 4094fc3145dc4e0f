/** Commands as people type them, in processes of their own, and what is left of them. */
import { execFileSync, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { Settings } from "../../src/config/settings.ts";
import { until } from "./until.ts";

export const checkout = resolve(import.meta.dirname, "../..");

/** So that nothing of what this shell or a `.env` sets reaches a command. */
export const unset: NodeJS.ProcessEnv = Object.fromEntries(
  Object.keys(Settings.properties).map((name) => [name, ""]),
);

export interface RunningCommand {
  readonly pid: number;
  /** With its exit code, once nothing that it started holds its output any more. */
  readonly ended: Promise<{ code: number | null; output: string }>;
  /** Once it is gone itself. */
  readonly exited: Promise<void>;
  output(): string;
  type(keys: string): void;
  /** All of its standard input. */
  write(input: string): void;
  signal(name: NodeJS.Signals): void;
  saw(pattern: RegExp): Promise<void>;
}

export function run(
  command: string,
  args: string[],
  settings: NodeJS.ProcessEnv,
  cwd = checkout,
): RunningCommand {
  const child = spawn(command, args, { cwd, env: { ...process.env, ...settings }, stdio: "pipe" });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (part: string) => {
      output += part;
    });
  }
  // It may end before it has read everything.
  child.stdin.on("error", () => {});
  let hasEnded = false;
  const exited = new Promise<void>((done) => child.once("exit", () => done()));
  const ended = new Promise<{ code: number | null; output: string }>((done, fail) => {
    child.once("error", fail);
    child.once("close", (code) => {
      hasEnded = true;
      done({ code, output });
    });
  });
  return {
    pid: child.pid ?? 0,
    ended,
    exited,
    output: () => output,
    type: (keys) => child.stdin.write(keys),
    write: (input) => child.stdin.end(input),
    signal: (name) => child.kill(name),
    async saw(pattern) {
      const what = [command, ...args].join(" ");
      await until(`${what} says ${pattern}`, async () => pattern.test(output) || hasEnded, 60_000);
      if (!pattern.test(output)) throw new Error(`${what} ended without saying ${pattern}:\n${output}`);
    },
  };
}

/** Finds the processes of a DATA_DIR: programs have it in their environment, the server in its arguments. */
export function processesOn(dir: string): { pid: number; command: string }[] {
  if (process.platform !== "linux") {
    const lines = execFileSync("ps", ["-axEww", "-o", "pid=,command="], { encoding: "utf8" }).split("\n");
    return lines
      .filter((line) => line.includes(dir))
      .map((line) => ({ pid: Number.parseInt(line, 10), command: line }));
  }
  return readdirSync("/proc").flatMap((entry) => {
    try {
      const command = readFileSync(`/proc/${entry}/cmdline`, "utf8").replaceAll("\0", " ");
      const isOn =
        command.includes(dir) || readFileSync(`/proc/${entry}/environ`, "utf8").includes(`DATA_DIR=${dir}`);
      return isOn ? [{ pid: Number(entry), command }] : [];
    } catch {
      return []; // Not a process, somebody else's, or gone by now.
    }
  });
}

/** For a test that failed: whatever it left running on its own DATA_DIR. */
export function endLeftovers(dir: string): void {
  for (const { pid, command } of processesOn(dir)) {
    kill(pid, command.includes("postgres ") ? "SIGQUIT" : "SIGKILL");
  }
}

export function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended already.
  }
}
