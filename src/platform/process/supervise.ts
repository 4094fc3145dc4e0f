/** Runs programs as child processes, starts one again that dies, and ends them all in order. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { ConfigError } from "../../errors.ts";
import { READY } from "./lifecycle.ts";

export interface Program {
  readonly name: string;
  /** Absolute path of the script. */
  readonly script: string;
  readonly env: NodeJS.ProcessEnv;
}

/** First pause before a restart; doubled each time up to the last, and forgotten after a minute of running. */
const FIRST_PAUSE_MS = 500;
const LAST_PAUSE_MS = 30_000;
const STEADY_MS = 60_000;
/** Longer than a program's own deadline for closing. */
const KILL_AFTER_MS = 35_000;

export class Supervisor {
  readonly #children: Child[] = [];
  readonly #report: (line: string) => void;

  constructor(report: (line: string) => void) {
    this.#report = report;
  }

  /** Resolves when the program serves. @throws where it ends before that: then it is not started again */
  async start(program: Program): Promise<void> {
    const child = new Child(program, this.#report);
    this.#children.push(child);
    await child.start();
  }

  /** Ends the programs one after the other, in the order of their start. */
  async stop(): Promise<void> {
    for (const child of this.#children) await child.stop();
  }
}

class Child {
  readonly #program: Program;
  readonly #report: (line: string) => void;
  #process: ChildProcess | null = null;
  /** Whether it has served once; one that never did is not started again. */
  #isServing = false;
  #isStopping = false;
  #pauseMs = FIRST_PAUSE_MS;

  constructor(program: Program, report: (line: string) => void) {
    this.#program = program;
    this.#report = report;
  }

  async start(): Promise<void> {
    const child = this.#spawn();
    const isReady = await Promise.race([
      once(child, "message").then(([message]) => message === READY),
      once(child, "exit").then(() => false),
    ]);
    this.#isServing = isReady;
    if (!isReady) {
      throw new ConfigError(`${this.#program.name} ended before it served; the line above says why.`);
    }
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGTERM");
    const isDone = await Promise.race([exited.then(() => true), sleep(KILL_AFTER_MS, false, { ref: false })]);
    if (!isDone) child.kill("SIGKILL");
  }

  #spawn(): ChildProcess {
    const { script, env } = this.#program;
    const startedAt = Date.now();
    // A group of its own, so that Ctrl-C reaches only the supervisor, which ends the programs in order; the IPC
    // channel ends them where the supervisor is killed.
    const child = spawn(process.execPath, [...process.execArgv, script], {
      env,
      detached: true,
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.#process = child;
    child.once(
      "exit",
      (code, signal) => void this.#restart(Date.now() - startedAt, signal ?? `code ${code}`),
    );
    return child;
  }

  async #restart(ranMs: number, how: string): Promise<void> {
    if (!this.#isServing || this.#isStopping) return;
    if (ranMs > STEADY_MS) this.#pauseMs = FIRST_PAUSE_MS;
    this.#report(`${this.#program.name} ended (${how}); starting it again in ${this.#pauseMs / 1000} s`);
    await sleep(this.#pauseMs);
    this.#pauseMs = Math.min(LAST_PAUSE_MS, this.#pauseMs * 2);
    if (!this.#isStopping) this.#spawn();
  }
}
