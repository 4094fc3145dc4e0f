/** Simulated work for trials: takes time, reports progress, and does nothing. It holds no place while it waits. */
import Type from "typebox";
import { ContinueLater, invalidField } from "../../errors.ts";
import type { TaskType } from "./task-type.ts";

const params = Type.Object({
  seconds: Type.Optional(
    Type.Number({
      minimum: 0,
      maximum: 3600,
      description: "How long the task takes. Absent: GENERIC_TASK_SECONDS, 10 to 20 by default.",
      examples: [2],
    }),
  ),
});

const STEPS = 20;
/** Shorter steps are joined: each step is a delivery of its own. */
const MIN_STEP_SECONDS = 0.5;

interface State {
  readonly seconds: number;
  /** The number of steps done. */
  readonly done: number;
}

export const genericType: TaskType<typeof params, "none"> = {
  name: "generic",
  description: "Simulated work: the task takes 10 to 20 seconds and does nothing.",
  queue: "default",
  params,
  file: "none",
  result: Type.Object({ seconds: Type.Number({ description: "How long the task took." }) }),
  limits: { timeoutSeconds: 4000 },

  checkParams({ maxGenericSeconds }, { seconds = 0 }, field) {
    if (seconds > maxGenericSeconds)
      throw invalidField(`${field}.seconds`, `must be at most ${maxGenericSeconds} (MAX_GENERIC_SECONDS).`);
  },

  /** Waits between the steps, so that simulated work takes no place from real work. */
  async run({ config, now }, { params, state, progress }) {
    const [min, max] = config.genericTaskSeconds;
    const drawn = () => Math.min(config.maxGenericSeconds, Math.round(min + Math.random() * (max - min)));
    const { seconds, done } = (state as State | null) ?? { seconds: params.seconds ?? drawn(), done: -1 };
    const steps = Math.min(STEPS, Math.max(1, Math.floor(seconds / MIN_STEP_SECONDS)));
    const step = done + 1;
    if (step > 0) progress((step / steps) * 100, `Step ${step} of ${steps}`);
    if (seconds > 0 && step < steps) throw new ContinueLater(seconds / steps, { seconds, done: step });
    const at = now().toISOString();
    return { message: `Task completed successfully in ${seconds} seconds at ${at}`, seconds };
  },
};
