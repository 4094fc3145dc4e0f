/** The document of the FastAPI CSV importer, request by request, in its order. */
import { beforeAll, expect, test } from "vitest";
import type { Client } from "../../support/client.ts";
import { A_NUMBER } from "../../support/formats.ts";
import { closeGate } from "../../support/gate.ts";
import { replay } from "../../support/replay.ts";
import { until } from "../../support/until.ts";
import { useRowmill } from "../../support/use-rowmill.ts";

interface Job {
  id: number;
  status: string;
}

/** As in the document, no request has a token. */
const rowmill = useRowmill({ settings: { ANONYMOUS_UPLOADS: "true" } });
let client: Client;
beforeAll(() => {
  client = rowmill.client;
});

const upload = (csv: string) =>
  replay<{ job_id: number }>(
    client,
    `POST /upload
    Content-Type: multipart/form-data

    { "file": <data.csv> }`,
    {},
    { "data.csv": csv },
  );
const getJob = (job_id: number) => replay<Job>(client, "GET /jobs/{job_id}", { job_id });
const untilEnded = (job_id: number) =>
  until("the job has ended", async () => {
    const { body } = await getJob(job_id);
    return (body.status === "SUCCESS" || body.status === "FAILED") && body;
  });

let job_id: number;

test("CSV importer, API documentation: Swagger UI at /docs", async () => {
  const { status, headers } = await client.get("/docs");
  expect([status, headers.get("content-type")]).toEqual([200, expect.stringMatching(/^text\/html/)]);
});

test("CSV importer, request 1: an upload becomes a job", async () => {
  const { status, body } = await upload("name,role,loc,extra\nJohn,Dev,NY,...\nJane,Ops,LA,\n");
  const message = "Upload successful. Processing started in background.";
  expect([status, body]).toEqual([200, { job_id: A_NUMBER, status: "PENDING", message }]);
  expect(Number.isInteger(body.job_id)).toBe(true);
  ({ job_id } = body);
});

test("CSV importer, request 2: a job goes from PENDING through PROCESSING to SUCCESS with its rows", async () => {
  const waiting = { id: job_id, original_filename: "data.csv", status: "PENDING", csv_data: [] };
  const { status, body } = await getJob(job_id);
  expect([status, body]).toEqual([200, waiting]);
  await using gate = await closeGate(rowmill.ctx, "settle");
  await rowmill.startWorker();
  await gate.reached();
  expect((await getJob(job_id)).body).toEqual({ ...waiting, status: "PROCESSING" });
  await gate.open();
  expect(await untilEnded(job_id)).toEqual({
    ...waiting,
    status: "SUCCESS",
    csv_data: [
      { name: "John", role: "Dev", loc: "NY", extra: "..." },
      { name: "Jane", role: "Ops", loc: "LA", extra: "" },
    ],
  });
});

test("CSV importer, statuses: a job without a valid row is FAILED, and an unknown one 404", async () => {
  const { body } = await upload('a,b\n1,"2"x\n');
  expect(await untilEnded(body.job_id)).toMatchObject({ status: "FAILED", csv_data: [] });
  expect((await getJob(999_999)).status).toBe(404);
});
