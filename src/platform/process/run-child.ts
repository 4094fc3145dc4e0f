/** Runs pieces of work, one after the other, in a child process. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import pLimit from "p-limit";
import { READY } from "./lifecycle.ts";

/** Thrown if the child ends without an answer. */
export class ChildCrashed extends Error {
  override name = "ChildCrashed";
}

/** An idle child ends after this time. Until then it serves the next piece of work, because its start is slow. */
const IDLE_MS = 5000;

interface Running {
  readonly process: ChildProcess;
  readonly ended: Promise<{ readonly how: string }>;
}

export class Child {
  readonly #script: string;
  readonly #inTurn = pLimit(1);
  #running: Running | null = null;
  #idle: NodeJS.Timeout | undefined;

  /** @param script absolute path of a program that says `READY` and answers each message with one */
  constructor(script: string) {
    this.#script = script;
  }

  /**
   * Sends a message and returns the answer.
   * @param env the environment of a child that must be started
   * @throws ChildCrashed, or the reason of the signal
   */
  run(message: object, env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<unknown> {
    return this.#inTurn(() => this.#run(message, env, signal));
  }

  async #run(message: object, env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<unknown> {
    signal.throwIfAborted();
    clearTimeout(this.#idle);
    const { process, ended } = this.#running ?? this.#start(env);
    const kill = () => process.kill("SIGKILL");
    signal.addEventListener("abort", kill, { once: true });
    const next = () => Promise.race([once(process, "message").then(([value]) => ({ value })), ended]);
    try {
      if (!this.#running) {
        const first = await next();
        if ("how" in first || first.value !== READY) throw new Error("The process of a job did not start.");
        this.#running = { process, ended };
      }
      const answering = next();
      process.send(message);
      const answer = await answering;
      signal.throwIfAborted();
      if ("how" in answer) throw new ChildCrashed(`The process of the job ended (${answer.how}).`);
      return answer.value;
    } catch (error) {
      this.#end({ process, ended });
      throw error;
    } finally {
      signal.removeEventListener("abort", kill);
      this.#idle = setTimeout(() => this.#running && this.#end(this.#running), IDLE_MS).unref();
    }
  }

  #start(env: NodeJS.ProcessEnv): Running {
    // Limits of memory and preload.ts, but not the options of a debugger or a test runner.
    const execArgv = globalThis.process.execArgv.filter((option) => /^--(max-|import=)/.test(option));
    const child = fork(this.#script, { env, execArgv, stdio: ["ignore", "inherit", "inherit", "ipc"] });
    const ended = once(child, "exit").then(([code, signal]) => ({ how: String(signal ?? `code ${code}`) }));
    // An idle child does not keep this process alive, and a message to one that has just ended is lost like its work.
    child.on("error", () => {});
    child.unref();
    child.channel?.unref();
    return { process: child, ended };
  }

  /** The child closes its connections when its channel closes. */
  #end({ process }: Running): void {
    this.#running = null;
    if (process.connected) process.disconnect();
  }
}
