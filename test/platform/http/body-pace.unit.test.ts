import type { IncomingMessage } from "node:http";
import { expect, test } from "vitest";
import { ArrivingBody } from "../../../src/platform/http/body-pace.ts";

const RULES = { minBytesPerSecond: 1024, timeoutSeconds: 20 };

/** A request whose server reads all that arrives. */
function arriving(isUpload: boolean) {
  const socket = { bytesRead: 0, destroyed: false };
  const raw = {
    socket,
    complete: false,
    destroyed: false,
    readableFlowing: true as boolean | null,
    readableLength: 0,
    listenerCount: () => 0,
  };
  const body = new ArrivingBody(raw as unknown as IncomingMessage, isUpload, RULES);
  /** @returns the seconds until the body is refused; null if it is not, within `seconds` */
  const send = (seconds: number, bytesIn: (second: number) => number) => {
    for (let second = 1; second <= seconds; second++) {
      socket.bytesRead += bytesIn(second);
      body.check(1);
      if (body.signal.aborted) return second;
    }
    return null;
  };
  return { raw, body, send };
}

test.for<[number, number | null]>([
  [16_000, null],
  [1100, null],
  [500, 59],
  [1, 31],
  [0, 31],
])("an upload of %d bytes per second is refused after %s seconds", ([rate, refusedAfter]) => {
  expect(arriving(true).send(3600, () => rate)).toBe(refusedAfter);
});

test("an upload that pauses for 25 seconds in every minute passes", () => {
  expect(arriving(true).send(3600, (second) => (second % 60 < 25 ? 0 : 16_000))).toBe(null);
});

test("bytes that arrived early do not pay for an endless pause", () => {
  expect(arriving(true).send(3600, (second) => (second < 10 ? 10_000_000 : 0))).toBe(40);
});

test("an upload is not refused while the server does not read", () => {
  const { raw, send } = arriving(true);
  raw.readableFlowing = false;
  expect(send(3600, () => 0)).toBe(null);
  raw.readableFlowing = null;
  expect(send(3600, () => 0)).toBe(null);
});

test("any other body has its time as a whole, at any rate", () => {
  expect(arriving(false).send(60, () => 1_000_000)).toBe(21);
});

test("a body that has arrived is not watched any longer", () => {
  const { raw, body } = arriving(false);
  expect(body.check(1)).toBe(true);
  raw.complete = true;
  expect(body.check(1)).toBe(false);
});
