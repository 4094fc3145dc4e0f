/** Runs programs as child processes and replaces those that end. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { ConfigError } from "../../errors.ts";
import { READY } from "./lifecycle.ts";

export interface Program {
  readonly name: string;
  /** Absolute path of the script. */
  readonly script: string;
  /** Options of Node itself, in addition to those of this process. */
  readonly nodeOptions?: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/** Pause before a restart: doubles from the first to the last, and starts over after a steady run. */
const FIRST_PAUSE_MS = 500;
const LAST_PAUSE_MS = 30_000;
const STEADY_MS = 60_000;
/** Longer than a program's own deadline for closing. */
const KILL_AFTER_MS = 35_000;

const SERVED = "served";

export class Supervisor {
  readonly #children: Child[] = [];
  readonly #report: (line: string) => void;
  readonly #waitsForRestart: boolean;

  /** @param waitsForRestart whether a program that ends stays down until `restart` is called */
  constructor(report: (line: string) => void, waitsForRestart = false) {
    this.#report = report;
    this.#waitsForRestart = waitsForRestart;
  }

  /**
   * Resolves once the program serves. A program that a signal ends before is started again.
   * @throws ConfigError if it exits before, for example because a setting is wrong
   */
  async start(program: Program): Promise<void> {
    const child = new Child(program, this.#report, this.#waitsForRestart);
    this.#children.push(child);
    await child.start();
  }

  /** Ends all programs and starts them again, each as soon as it has ended. */
  async restart(): Promise<void> {
    await Promise.all(this.#children.map((child) => child.restart()));
  }

  /** Ends the programs one after the other, in the order of their start. */
  async stop(): Promise<void> {
    for (const child of this.#children) await child.stop();
  }
}

class Child {
  readonly #program: Program;
  readonly #report: (line: string) => void;
  readonly #waitsForRestart: boolean;
  #process: ChildProcess | null = null;
  #hasServed = false;
  #isStopping = false;
  #restarting: Promise<void> | null = null;
  #pauseMs = FIRST_PAUSE_MS;

  constructor(program: Program, report: (line: string) => void, waitsForRestart: boolean) {
    this.#program = program;
    this.#report = report;
    this.#waitsForRestart = waitsForRestart;
  }

  async start(): Promise<void> {
    while (!this.#isStopping) {
      const child = this.#spawn();
      const end = await Promise.race([
        once(child, "message").then(([message]) => (message === READY ? SERVED : "exit")),
        once(child, "exit").then(([, signal]) => signal ?? "exit"),
      ]);
      this.#hasServed = end === SERVED;
      if (this.#hasServed || this.#isStopping) return;
      const { name } = this.#program;
      if (end === "exit")
        throw new ConfigError(`${name} ended before it served. The line above gives the reason.`);
      await this.#pause(end);
    }
  }

  restart(): Promise<void> {
    this.#restarting ??= this.#end().then(() => {
      this.#restarting = null;
      if (!this.#isStopping) this.#spawn();
    });
    return this.#restarting;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#end();
  }

  async #end(): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGTERM");
    const isDone = await Promise.race([exited.then(() => true), sleep(KILL_AFTER_MS, false, { ref: false })]);
    if (!isDone) child.kill("SIGKILL");
  }

  #spawn(): ChildProcess {
    const { script, nodeOptions = [], env } = this.#program;
    const startedAt = Date.now();
    // Its own process group: Ctrl-C reaches only the supervisor, which ends the programs in order. If the supervisor
    // is killed, the closed IPC channel ends them.
    const child = spawn(process.execPath, [...process.execArgv, ...nodeOptions, script], {
      env,
      detached: true,
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.#process = child;
    child.once(
      "exit",
      (code, signal) => void this.#replace(Date.now() - startedAt, signal ?? `code ${code}`),
    );
    return child;
  }

  async #replace(ranMs: number, how: string): Promise<void> {
    if (!this.#hasServed || this.#isStopping || this.#restarting) return;
    const { name } = this.#program;
    if (this.#waitsForRestart) {
      this.#report(`${name} ended (${how}). It starts again after the next change.`);
      return;
    }
    if (ranMs > STEADY_MS) this.#pauseMs = FIRST_PAUSE_MS;
    await this.#pause(how);
    if (!this.#isStopping) this.#spawn();
  }

  async #pause(how: string): Promise<void> {
    this.#report(`${this.#program.name} ended (${how}). It starts again in ${this.#pauseMs / 1000} s.`);
    await sleep(this.#pauseMs);
    this.#pauseMs = Math.min(LAST_PAUSE_MS, this.#pauseMs * 2);
  }
}
