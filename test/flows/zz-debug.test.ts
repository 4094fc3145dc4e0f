import { expect, inject, test } from "vitest";
import { onServer } from "../support/postgres.ts";
import { startPrograms } from "../support/processes.ts";
import { csv } from "./exactly-once.ts";

test.for(["info", "warn"])("plain %s", async (LOG_LEVEL) => {
  await using rowmill = await startPrograms();
  const worker = await rowmill.startWorker({ LOG_LEVEL });
  worker.abandon();
  const r = await Promise.race([worker.ended, new Promise((r) => setTimeout(r, 15000))]);
  console.log(LOG_LEVEL, r);
});
test.for([1, 2, 3])("with database gone %s", async () => {
  await using rowmill = await startPrograms();
  const api = await rowmill.startApi({ ROW_DELAY_MS: "3000" });
  const user = await api.client.signUp("reader");
  const worker = await rowmill.startWorker();
  await user.upload(csv(100));
  await worker.logged("chunk received", 4);
  const database = new URL(rowmill.databaseUrl).pathname.slice(1);
  worker.abandon();
  api.program.abandon();
  await onServer(
    inject("serverUrl"),
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database}' AND backend_type = 'client backend'`,
  );
  const t = Date.now();
  for (const p of [worker, api.program]) {
    const r = await Promise.race([p.ended, new Promise((r) => setTimeout(r, 25000))]);
    console.log(p.name, r, Date.now() - t);
  }
});
test.for([1, 2, 3])("outputs gone, database gone, then disconnect %s", async () => {
  await using rowmill = await startPrograms();
  const worker = await rowmill.startWorker();
  const database = new URL(rowmill.databaseUrl).pathname.slice(1);
  await Promise.all([
    onServer(inject("serverUrl"), `DROP DATABASE ${database} WITH (FORCE)`),
    (async () => worker.abandon())(),
  ]);
  const r = await Promise.race([worker.ended, new Promise((r) => setTimeout(r, 35000))]);
  console.log("worker", r);
});
