/** Workflows to begin with. Every user may create their tasks. */
const step = (name: string, after: readonly string[] = []) => ({
  name,
  type: "generic",
  params: { seconds: 5 },
  ...(after.length > 0 ? { depends_on: after } : {}),
});

export const EXAMPLES = {
  chain: {
    name: "One after the other",
    chain: [
      step("first"),
      { name: "second", type: "generic", params: { seconds: "{{steps.first.result.seconds}}" } },
    ],
  },
  group: { name: "At the same time", group: [step("left"), step("right")] },
  chord: {
    name: "At the same time, and then",
    chord: { group: [step("left"), step("right")], callback: step("together") },
  },
  steps: {
    name: "Any graph",
    steps: [
      step("fetch"),
      step("check", ["fetch"]),
      step("convert", ["fetch"]),
      step("publish", ["check", "convert"]),
      { ...step("clean_up", ["publish"]), when: "always" },
    ],
  },
} as const;
