import { Socket } from "node:net";
import { expect, test } from "vitest";
import { answerAndClose } from "../../../src/platform/http/client-errors.ts";

test("a connection that sends on after a refusal is answered once and gets no further listeners", () => {
  const socket = new Socket();
  for (let piece = 0; piece < 20; piece++) answerAndClose(socket, 429, "too_many_requests", "Too many.");
  expect(socket.listenerCount("error")).toBe(1);
  socket.destroy();
});
