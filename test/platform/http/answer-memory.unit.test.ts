import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { AnswerMemory, type Hold, Progress } from "../../../src/platform/http/answer-memory.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const MAX = 1200;

function open(memory: AnswerMemory, owner: string): Hold & { readonly receiver: { isGone?: boolean } } {
  const receiver = {
    owner,
    progress: new Progress(),
    isGone: false,
    disconnect() {
      receiver.isGone = true;
      hold.close();
    },
  };
  const hold = memory.open(receiver);
  return hold;
}

/** Whether each request has its memory, is refused, or waits. */
async function outcomes(...requests: Promise<void>[]): Promise<string[]> {
  const settled = requests.map((request) =>
    Promise.race([
      request.then(
        () => "admitted",
        (error) => error.code,
      ),
      vi.advanceTimersByTimeAsync(0).then(() => "waits"),
    ]),
  );
  return Promise.all(settled);
}

test("a user gets a third of the memory, and another user finds some", async () => {
  const memory = new AnswerMemory(MAX);
  const requests = [1, 2, 3].map(() => open(memory, "heavy").reserve(200));
  expect(await outcomes(...requests)).toEqual(["admitted", "admitted", "waits"]);
  expect(await outcomes(open(memory, "other").reserve(200))).toEqual(["admitted"]);
});

test("the last quarter of the memory is for users who use none", async () => {
  const memory = new AnswerMemory(MAX);
  for (const owner of ["a", "b", "c", "d"]) await open(memory, owner).reserve(225);
  expect(await outcomes(open(memory, "a").reserve(100))).toEqual(["waits"]);
  expect(await outcomes(open(memory, "e").reserve(300))).toEqual(["admitted"]);
});

test("memory that is given back goes to the user who uses the least", async () => {
  const memory = new AnswerMemory(MAX);
  const whole = open(memory, "a");
  await whole.reserve(5 * MAX);
  expect(whole.bytes).toBe(MAX);
  const waiting = [open(memory, "a").reserve(300), open(memory, "b").reserve(300)];
  expect(await outcomes(...waiting)).toEqual(["waits", "waits"]);
  whole.set(1000);
  expect(await outcomes(...waiting)).toEqual(["waits", "waits"]);
  whole.set(900);
  expect(await outcomes(...waiting)).toEqual(["waits", "admitted"]);
  whole.close();
  expect(await outcomes(...waiting)).toEqual(["admitted", "admitted"]);
});

test("a request that finds no memory for ten seconds is refused", async () => {
  const memory = new AnswerMemory(MAX);
  await open(memory, "a").reserve(MAX);
  const request = open(memory, "b").reserve(100);
  await vi.advanceTimersByTimeAsync(9000);
  expect(await outcomes(request)).toEqual(["waits"]);
  await vi.advanceTimersByTimeAsync(2000);
  await expect(request).rejects.toThrow(/ANSWER_MEMORY_BYTES, 1200 bytes/);
});

test("a client that reads nothing is disconnected once others wait", async () => {
  const memory = new AnswerMemory(MAX);
  const unread = open(memory, "a");
  await unread.reserve(MAX);
  unread.receiver.progress.offer();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(unread.receiver.isGone).toBe(false);
  const request = open(memory, "b").reserve(100);
  await vi.advanceTimersByTimeAsync(600);
  expect([unread.receiver.isGone, ...(await outcomes(request))]).toEqual([true, "admitted"]);
});

test("a client that reads a megabyte in ten seconds is not slow", () => {
  const progress = new Progress();
  for (let second = 0; second < 20; second++) {
    progress.offer();
    vi.advanceTimersByTime(1000);
    expect(progress.isSlow).toBe(false);
    progress.taken(100_000);
  }
});

test("a request whose client has disconnected waits no longer and gets nothing", async () => {
  const memory = new AnswerMemory(MAX);
  const whole = open(memory, "a");
  await whole.reserve(MAX);
  const gone = open(memory, "b");
  const request = gone.reserve(100);
  gone.close();
  await expect(request).rejects.toThrow("disconnected");
  await expect(gone.reserve(100)).rejects.toThrow("disconnected");
  whole.close();
  expect(gone.bytes).toBe(0);
});
