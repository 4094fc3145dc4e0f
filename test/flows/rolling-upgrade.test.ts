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
import { until } from "../support/until.ts";

/** The last commit of version 0.4.0. */
const LAST_RELEASE = "1a8452a";

test.skipIf(!hasCommit(LAST_RELEASE))(
  "programs of the last release go on beside those of this one, and every row is processed once",
  async () => {
    const sources = checkOut(LAST_RELEASE);
    const url = await emptyDatabase();
    const settings = { ...unset, DATABASE_URL: url, JWT_SECRET: "test".repeat(8) };
    const migrated = run(process.execPath, [join(sources, "src/cli.ts"), "migrate"], settings);
    expect(await migrated.ended).toMatchObject({ code: 0 });
    await using lastProgram = await Program.start("api", url, { ROW_DELAY_MS: "20" }, sources);
    await using _ = await Program.start("worker", url, { ROW_DELAY_MS: "20" }, sources);
    const lastApi = await apiOn(lastProgram);
    const users = await Promise.all(["ada", "bea", "cyd"].map((name) => lastApi.client.signUp(name)));
    const [ada, bea, cyd] = users;
    if (!ada || !bea || !cyd) throw new Error("three users have signed up");
    const { body: before } = await ada.upload(csv(950, 50));
    await until("a row has succeeded", async () => (await ada.batch(before.id)).body.counts.success > 0);

    await migrate(url);
    await using rowmill = await startPrograms({ ROW_DELAY_MS: "20" }, url);
    const api = await rowmill.startApi();
    await rowmill.startWorker();
    const { body: onLast } = await bea.upload(csv(950, 50));
    const newCyd = await api.client.logIn("cyd", "correct horse");
    const { body: onThis } = await newCyd.upload(csv(950, 50));
    await ada.finished(before.id, 60_000);
    await bea.finished(onLast.id, 60_000);
    await newCyd.finished(onThis.id, 60_000);
    for (const { id } of [before, onLast, onThis]) {
      await expectExactlyOnce(rowmill.ctx.pool, id, { good: 950, bad: 50 });
    }
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
