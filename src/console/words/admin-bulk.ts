type Noun = "tasks" | "batches";

const NOUNS: Readonly<Record<Noun, readonly [one: string, many: string]>> = {
  tasks: ["task", "tasks"],
  batches: ["import", "imports"],
};

const counted = (count: number, shown: string, noun: Noun) => `${shown} ${NOUNS[noun][count === 1 ? 0 : 1]}`;

export const bulkWords = {
  button: "All that match…",
  actions: { pause: "Pause", resume: "Resume", cancel: "Cancel", retry: "Retry", delete: "Delete" },
  menu: {
    pause: "Pause all that match…",
    resume: "Resume all that match…",
    cancel: "Cancel all that match…",
    retry: "Retry all that match…",
    delete: "Delete all that match…",
  },
  selected: (count: string) => `${count} selected…`,
  selectedMenu: {
    pause: "Pause the selected…",
    resume: "Resume the selected…",
    cancel: "Cancel the selected…",
    retry: "Retry the selected…",
    delete: "Delete the selected…",
  },
  needsFilter: "Set a filter or select items first: an action on everything is not possible here.",
  title: (action: string, noun: Noun) => `${action} ${NOUNS[noun][1]}`,
  counting: "Counting what matches…",
  will: (count: number, shown: string, noun: Noun) =>
    `This will change ${counted(count, shown, noun)} that ${count === 1 ? "matches" : "match"} the filter.`,
  others: (count: number, shown: string) =>
    count === 1
      ? "1 other that matches does not change: its state does not allow this."
      : `${shown} others that match do not change: their state does not allow this.`,
  nothing: "Nothing that matches is in a state that allows this.",
  hints: {
    pause: "Workers finish the rows that they are processing.",
    resume: "The rows are processed when it is their turn.",
    cancel: "Finished work stays. Work that waits for it is cancelled too.",
    retry: "They run again when it is their turn.",
    delete: "This cannot be undone.",
  },
  reason: "Reason",
  reasonHint: "Optional. The owner sees it.",
  typed: (count: string) => `Type ${count} to confirm`,
  run: (action: string, count: number, shown: string, noun: Noun) =>
    `${action} ${counted(count, shown, noun)}`,
  running: "In progress. A large change takes several steps of up to one minute each.",
  progress: (done: string, total: string) => `${done} of ${total}`,
  stop: "Stop after this step",
  stopping: "Stopping…",
  done: (count: number, shown: string, noun: Noun) => `${counted(count, shown, noun)} changed.`,
  stopped: (count: number, shown: string, noun: Noun, left: string) =>
    `Stopped. ${counted(count, shown, noun)} changed, and ${left} left.`,
  left: (shown: string) =>
    `${shown} match now: others change them at the same time, or new ones have come. Start again to change these.`,
} as const;
