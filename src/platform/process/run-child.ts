/** Runs one piece of work in a child process. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { READY } from "./lifecycle.ts";

/** Thrown if the child ends without an answer. */
export class ChildCrashed extends Error {
  override name = "ChildCrashed";
}

interface ChildOptions {
  /** Absolute path of the program. It says `READY`, receives the message, and answers with one. */
  readonly script: string;
  readonly env: NodeJS.ProcessEnv;
  readonly message: object;
  /** Ends the child when it aborts. */
  readonly signal: AbortSignal;
}

/** @throws ChildCrashed, or the reason of the signal */
export async function runChild({ script, env, message, signal }: ChildOptions): Promise<unknown> {
  signal.throwIfAborted();
  // Limits of memory, but not the options of a debugger or a test runner.
  const execArgv = process.execArgv.filter((option) => option.startsWith("--max-"));
  const child = fork(script, { env, execArgv, stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const kill = () => child.kill("SIGKILL");
  signal.addEventListener("abort", kill, { once: true });
  const ended = once(child, "exit").then(([code, how]): { readonly how: string } => ({
    how: how ?? `code ${code}`,
  }));
  try {
    const next = () => Promise.race([once(child, "message").then(([value]) => ({ value })), ended]);
    const first = await next();
    if ("value" in first && first.value === READY) child.send(message);
    const answer = await next();
    signal.throwIfAborted();
    if ("how" in answer) throw new ChildCrashed(`The process of the job ended (${answer.how}).`);
    return answer.value;
  } finally {
    signal.removeEventListener("abort", kill);
    // The child closes its connections and ends.
    if (child.connected) child.disconnect();
  }
}
