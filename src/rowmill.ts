#!/usr/bin/env node
/** The command line for users of a server. `src/cli.ts` is the one for its operators. */
import { readFileSync } from "node:fs";
import { main } from "./remote/main.ts";

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
const interrupted = new AbortController();
// A second Ctrl-C ends the program at once.
process.once("SIGINT", () => interrupted.abort(new Error("interrupted")));
// Reported by the write that failed.
process.stdout.on("error", () => {});

const { stdin, stdout, stderr } = process;
const terminal = { env: process.env, stdin, stdout, stderr, interrupted: interrupted.signal };
process.exitCode = await main(process.argv.slice(2), terminal, version);
// An upload of standard input that was refused would wait for more of it.
stdin.destroy();
