/** Many small files at once: what one upload costs beside its rows. */
import { once } from "node:events";
import { Agent, type IncomingMessage, request } from "node:http";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { type Bench, type Part, whole } from "./bench.ts";
import { smallFile } from "./books-file.ts";
import { signUp, startPrograms, stopPrograms } from "./rowmill.ts";
import { median } from "./table.ts";

const FILES = 200;
/** Of one user, 4 uploads run at a time and 32 can wait (UPLOADS_PER_USER). */
const USERS = 8;
const ROWS = 50;
const CHECK_MS = 20;

interface Run {
  readonly acceptedSeconds: number;
  readonly doneSeconds: number;
}

export async function filesPart({ databaseUrl, runs, emptyTables }: Bench): Promise<Part> {
  const files = Array.from({ length: FILES }, (_, number) => smallFile(ROWS, number));
  const measured: Run[] = [];
  for (let run = 0; run < runs; run++) {
    await emptyTables();
    measured.push(await measureFiles(databaseUrl, files));
  }
  const figures = {
    filesAcceptedPerSecond: FILES / median(measured.map((run) => run.acceptedSeconds)),
    filesDonePerSecond: FILES / median(measured.map((run) => run.doneSeconds)),
  };
  return {
    figures,
    lines: [
      [
        `${FILES} files of ${ROWS} rows at once, accepted a second`,
        whole(figures.filesAcceptedPerSecond),
        "",
      ],
      ["the same files, last row done, a second", whole(figures.filesDonePerSecond), ""],
    ],
  };
}

async function measureFiles(databaseUrl: string, files: readonly string[]): Promise<Run> {
  const { url, programs } = await startPrograms(databaseUrl);
  const database = new pg.Client({ connectionString: databaseUrl });
  await database.connect();
  const agent = new Agent({ keepAlive: true });
  try {
    const users = await Promise.all(Array.from({ length: USERS }, () => signUp(url)));
    const startedAt = performance.now();
    const sinceStart = () => (performance.now() - startedAt) / 1000;
    await Promise.all(
      files.map((file, number) =>
        send(`${url}/api/v1/batches?target=books`, file, agent, `Bearer ${users[number % USERS]}`),
      ),
    );
    const acceptedSeconds = sinceStart();
    // Over HTTP, these questions would be a part of what is measured.
    while ((await countDone(database)) < files.length) await sleep(CHECK_MS);
    return { acceptedSeconds, doneSeconds: sinceStart() };
  } finally {
    agent.destroy();
    await database.end();
    await stopPrograms(...programs);
  }
}

async function send(url: string, file: string, agent: Agent, authorization: string): Promise<void> {
  const headers = { authorization, "content-type": "text/csv", "content-length": Buffer.byteLength(file) };
  const sent = request(url, { method: "POST", agent, headers });
  sent.end(file);
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  const answer = await text(response);
  if (response.statusCode !== 202) throw new Error(`An upload was refused: ${answer}`);
}

async function countDone(database: pg.Client): Promise<number> {
  const { rows } = await database.query<{ done: number }>(
    "SELECT count(*)::int AS done FROM rowmill.batches WHERE state = 'completed'",
  );
  return rows[0]?.done ?? 0;
}
