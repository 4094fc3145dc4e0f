import { expect, test } from "vitest";
import { stateMachine } from "../../src/platform/state-machine.ts";

const { allows, requireEdge } = stateMachine("order", {
  send: { from: ["open"], to: "sent", when: "It is complete." },
  close: { from: ["sent", "returned", "lost"], to: "closed", when: "Nothing is left to do." },
});

test("an edge is allowed from its own states only", () => {
  expect(allows("send", "open")).toBe(true);
  expect(allows("send", "sent")).toBe(false);
  expect(() => requireEdge("close", "lost", "closed")).not.toThrow();
});

test.each([
  ["send", "lost", "sent", "An order that is lost cannot be sent. Only an open order can."],
  [
    "close",
    "open",
    "closed",
    "An order that is open cannot be closed. Only a sent, returned, or lost order can.",
  ],
] as const)("the conflict of %s from %s names the states that allow it", (edge, state, done, message) => {
  expect(() => requireEdge(edge, state, done)).toThrow(
    expect.objectContaining({ code: "conflict", message }),
  );
});
