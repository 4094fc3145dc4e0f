/** The curl script and the Postman collection that ship with the demo. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { useRowmill } from "../support/use-rowmill.ts";

const demo = (name: string) => fileURLToPath(new URL(`../../src/demo/${name}`, import.meta.url));

const rowmill = useRowmill({ worker: true });

test("the curl script runs from signup to the list of books", async () => {
  const { stdout } = await promisify(execFile)("sh", [demo("tour.sh"), rowmill.url]);
  expect(stdout).toContain(
    '"state":"completed_with_errors","counts":{"total":320,"pending":0,"processing":0,"success":308,"failed":12,"unprocessed":0,"undone":0}',
  );
  expect(stdout).toContain('"error_message":"title is required"');
  expect(stdout).toMatch(/The first books:\n\{"items":\[\{"id":\d+,"title":"/);
  expect(stdout).toMatch(
    /The task that read the file:\n\{.*"status":"completed",.*"message":"\\"books.csv\\" is CSV with 320 rows/,
  );
});

test("every request of the Postman collection gets the answer that it expects", async () => {
  const command = fileURLToPath(new URL("../../node_modules/newman/bin/newman.js", import.meta.url));
  const folder = demo("");
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...[command, "run", demo("postman_collection.json"), "--env-var", `base_url=${rowmill.url}`],
    // It needs no name server.
    ...["--env-var", "webhook_url=https://8.8.8.8/rowmill"],
    ...["--working-dir", folder, "--color", "off", "--reporter-cli-no-success-assertions"],
  ]).catch(({ stdout }: { stdout: string }) => ({ stdout }));
  expect(stdout).toMatch(/assertions │ +\d{3} │ +0 │/);
});
