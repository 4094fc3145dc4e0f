/** Requests of one user that keep the database busy, and another user who must not notice. */
import { expect, test } from "vitest";
import type { Client, Problem } from "../../support/client.ts";
import { countWaiting } from "../../support/count.ts";
import { EventClient } from "../../support/events.ts";
import { FIRST_LINES, HEADER, kept, lines } from "../../support/raw-upload.ts";
import { type Rowmill, startRowmill } from "../../support/rowmill.ts";
import { SlowUpload } from "../../support/slow-upload.ts";
import { timed } from "../../support/stopwatch.ts";
import { makeTask } from "../../support/task-client.ts";
import { until } from "../../support/until.ts";

/** Makes every statement that reads tasks wait, until disposed of. */
async function lockTasks({ ctx }: Rowmill): Promise<AsyncDisposable> {
  const client = await ctx.pool.connect();
  await client.query("BEGIN; LOCK TABLE rowmill.tasks IN ACCESS EXCLUSIVE MODE");
  return {
    async [Symbol.asyncDispose]() {
      await client.query("ROLLBACK");
      client.release();
    },
  };
}

/** The statements that wait for the lock. */
const waitingIn = ({ ctx }: Rowmill) => countWaiting(ctx.pool, "relation = 'rowmill.tasks'::regclass");

const search = (user: Client, word: string) => user.get<Problem>(`/api/v1/tasks?search=${word}`);

/** Three of 120 searches run and 16 of each user wait; the others are refused at once. */
const REFUSED = 120 - 3 - 3 * 16;

test("forty slow searches of each of three users leave another user's reads quick", async () => {
  await using rowmill = await startRowmill({ READ_TIMEOUT_SECONDS: "60" });
  const busy = [await rowmill.newUser(), await rowmill.newUser(), await rowmill.newUser()];
  const other = await rowmill.newUser();
  const answers: Promise<{ status: number; body: Problem; headers: Headers }>[] = [];
  {
    await using _lock = await lockTasks(rowmill);
    let refusedSoFar = 0;
    for (const user of busy) {
      for (let n = 0; n < 40; n++) {
        const counted = search(user, `w${n}`).then((answer) => {
          if (answer.status === 429) refusedSoFar += 1;
          return answer;
        });
        answers.push(counted);
      }
    }
    await until("three searches run and 16 of each user wait", async () => refusedSoFar >= REFUSED);
    const times: number[] = [];
    for (const path of ["/api/v1/books", "/api/v1/batches", "/readyz", "/api/v1/auth/me", "/api/v1/books"]) {
      const { result, ms } = await timed(() => other.get(path));
      expect(result.status).toBe(200);
      times.push(ms);
    }
    // The searches take until the lock is gone, and a request waits ten seconds for its turn.
    expect(times.toSorted((a, b) => a - b)[2]).toBeLessThan(5000);
    expect(await waitingIn(rowmill)).toBeLessThanOrEqual(3);
    expect((await other.upload("title,author\nEmma,Jane Austen\n")).status).toBe(202);
  }
  const all = await Promise.all(answers);
  const refused = all.filter(({ status }) => status === 429);
  expect(refused.length).toBeGreaterThanOrEqual(REFUSED);
  expect(refused[0]?.body).toMatchObject({ code: "too_many_requests" });
  expect(refused[0]?.body.detail).toContain("SEARCHES_PER_USER");
  expect(refused[0]?.headers.get("retry-after")).toMatch(/^\d+$/);
  expect(all.filter(({ status }) => status === 200)).toHaveLength(120 - refused.length);
});

test("a read that takes too long is answered with 503 and the reason", async () => {
  await using rowmill = await startRowmill({ READ_TIMEOUT_SECONDS: "1" });
  const user = await rowmill.newUser();
  await using _lock = await lockTasks(rowmill);
  const { result, ms } = await timed(() => search(user, "x"));
  const { status, body } = result;
  expect(ms).toBeLessThan(9000);
  expect([status, body.code]).toEqual([503, "unavailable"]);
  expect(body.detail).toContain("READ_TIMEOUT_SECONDS");
});

test("a client that disconnects while its search runs does not make room for another search", async () => {
  await using rowmill = await startRowmill({ SEARCHES_PER_USER: "1" });
  const user = await rowmill.newUser();
  await using _lock = await lockTasks(rowmill);
  for (let n = 0; n < 5; n++) {
    const leaving = new AbortController();
    const answer = user.send("GET", `/api/v1/tasks?search=w${n}`, { signal: leaving.signal });
    answer.catch(() => {});
    await until("a search runs", async () => (await waitingIn(rowmill)) > 0);
    leaving.abort();
  }
  expect(await waitingIn(rowmill)).toBe(1);
});

test("a user has UPLOADS_PER_USER uploads at a time; the next one waits for its turn", async () => {
  await using rowmill = await startRowmill({ UPLOADS_PER_USER: "1" });
  const [user, other] = [await rowmill.newUser(), await rowmill.newUser()];
  using first = new SlowUpload(user);
  await first.send(HEADER + lines(FIRST_LINES));
  await until("it is being received", async () => (await kept(rowmill))?.batches === 1);
  let isAnswered = false;
  const second = user.upload("title,author\nEmma,Jane Austen\n").finally(() => {
    isAnswered = true;
  });
  for (let n = 0; n < 3; n++)
    expect((await other.upload(`title,author\nEmma ${n},Jane Austen\n`)).status).toBe(202);
  expect(isAnswered).toBe(false);
  expect((await first.end())?.status).toBe(202);
  expect((await second).status).toBe(202);
});

test("an event stream beyond EVENT_STREAMS_PER_USER is refused at once, and a closed one makes room", async () => {
  await using rowmill = await startRowmill({ EVENT_STREAMS_PER_USER: "1" });
  const user = await rowmill.newUser();
  const { id } = await makeTask(user);
  const path = `/api/v1/tasks/${id}/events`;
  const headers = { authorization: `Bearer ${user.token}` };
  const first = await EventClient.open(rowmill.url + path, headers);
  const refused = await user.get<Problem>(path);
  expect([refused.status, refused.body.code]).toEqual([429, "too_many_requests"]);
  expect(refused.body.detail).toContain("EVENT_STREAMS_PER_USER");
  first.response.destroy();
  await until("there is room", async () => {
    const response = await fetch(rowmill.url + path, { headers });
    await response.body?.cancel();
    return response.status === 200;
  });
});
