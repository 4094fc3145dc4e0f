/** The programs of the last release and of this one side by side on one database, as in a rolling upgrade. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { csv } from "../support/book-files.ts";
import { checkout, run, unset } from "../support/commands.ts";
import { emptyDatabase, migrate } from "../support/databases.ts";
import { expectExactlyOnce } from "../support/exactly-once.ts";
import { apiOn, Program, startPrograms } from "../support/processes.ts";
import { makeTask } from "../support/task-client.ts";
import { endedTask } from "../support/tasks.ts";
import { until } from "../support/until.ts";
import { makeWorkflow, quick, runWorkflow, untilWorkflowEnds } from "../support/workflows.ts";

/** The last commit of version 0.13.0. */
const LAST_RELEASE = "1a4c979";

const STOPPED = { code: 0, signal: null };

/** Returns the errors in the log of a program. */
const errorsOf = ({ output }: Program) => output.split("\n").filter((line) => /^\{"level":[56]0/.test(line));

test.skipIf(!hasCommit(LAST_RELEASE))(
  "programs of the last release go on beside those of this one until they are stopped, and all work is done once",
  async () => {
    const sources = checkOut(LAST_RELEASE);
    const url = await emptyDatabase();
    const settings = { ...unset, DATABASE_URL: url, JWT_SECRET: "test".repeat(8) };
    const migrated = run(process.execPath, [join(sources, "src/cli.ts"), "migrate"], settings);
    expect(await migrated.ended).toMatchObject({ code: 0 });
    await using lastProgram = await Program.start("api", url, { ROW_DELAY_MS: "20" }, sources);
    await using lastWorker = await Program.start("worker", url, { ROW_DELAY_MS: "20" }, sources);
    const lastApi = await apiOn(lastProgram);
    const users = await Promise.all(["ada", "bea", "cyd"].map((name) => lastApi.client.signUp(name)));
    const [ada, bea, cyd] = users;
    if (!ada || !bea || !cyd) throw new Error("three users have signed up");
    const { body: before } = await ada.upload(csv(950, 50));
    const long = await makeTask(ada, { params: { seconds: 8 } });
    const early = await makeWorkflow(ada, { chain: [{ type: "generic", params: { seconds: 8 } }, quick()] });
    await until("a row has succeeded", async () => (await ada.batch(before.id)).body.counts.success > 0);

    await migrate(url);
    await using rowmill = await startPrograms({ ROW_DELAY_MS: "20" }, url);
    const { pool } = rowmill.ctx;
    const api = await rowmill.startApi();
    const newCyd = await api.client.logIn("cyd", "correct horse");
    // Only a worker of the last release runs so far.
    const workflow = await runWorkflow(newCyd, { chain: [quick({ name: "a" }), quick({ name: "b" })] });
    expect(workflow.state).toBe("completed");
    const worker = await rowmill.startWorker();

    const { body: onLast } = await bea.upload(csv(950, 50));
    const { body: onThis } = await newCyd.upload(csv(950, 50));
    const tasks = await Promise.all(
      [bea, newCyd, bea, newCyd].map((user) => makeTask(user, { params: { seconds: 2 } })),
    );
    await until("rows of both have succeeded", async () =>
      (await Promise.all([bea.batch(onLast.id), newCyd.batch(onThis.id)])).every(
        ({ body }) => body.counts.success > 0,
      ),
    );
    expect([await lastProgram.stop(), await lastWorker.stop()]).toEqual([STOPPED, STOPPED]);

    const [newAda, newBea] = [api.clientOf(ada), api.clientOf(bea)];
    await newAda.finished(before.id);
    await newBea.finished(onLast.id);
    await newCyd.finished(onThis.id);
    for (const { id } of [before, onLast, onThis]) {
      await expectExactlyOnce(pool, id, { good: 950, bad: 50 });
    }
    for (const { id } of [long, ...tasks]) await endedTask(rowmill.ctx, id);
    const { rows: ended } = await pool.query(
      "SELECT count(*)::int FROM rowmill.task_events WHERE type = 'completed' AND task_id = ANY($1)",
      [[long, ...tasks].map(({ id }) => id)],
    );
    expect(ended).toEqual([{ count: 5 }]);

    expect(await untilWorkflowEnds(newAda, early.id, 30_000)).toMatchObject({ state: "completed" });
    expect([lastProgram, lastWorker, api.program, worker].flatMap(errorsOf)).toEqual([]);
  },
);

function hasCommit(commit: string): boolean {
  try {
    execFileSync("git", ["cat-file", "-e", `${commit}^{commit}`], { cwd: checkout, stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** @returns a folder with the sources of this commit, and the packages of this checkout */
function checkOut(commit: string): string {
  const folder = mkdtempSync(join(tmpdir(), "rowmill-release-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const archive = execFileSync("git", ["archive", commit, "src", "drizzle", "package.json"], {
    cwd: checkout,
    maxBuffer: 2 ** 26,
  });
  execFileSync("tar", ["-x", "-C", folder], { input: archive });
  symlinkSync(join(checkout, "node_modules"), join(folder, "node_modules"));
  return folder;
}
