/** Simulated work for trials: takes time, reports progress, and does nothing. */
import { setTimeout as sleep } from "node:timers/promises";
import Type from "typebox";
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

export const genericType: TaskType<typeof params, "none"> = {
  name: "generic",
  description: "Simulated work: the task takes 10 to 20 seconds and does nothing.",
  queue: "default",
  params,
  file: "none",
  limits: { timeoutSeconds: 4000 },

  async run(ctx, { params, signal, progress }) {
    const [min, max] = ctx.config.genericTaskSeconds;
    const seconds = params.seconds ?? Math.round(min + Math.random() * (max - min));
    for (let step = 1; step <= STEPS && seconds > 0; step++) {
      await sleep((seconds * 1000) / STEPS, undefined, { signal });
      progress((step / STEPS) * 100, `Step ${step} of ${STEPS}`);
    }
    const at = ctx.now().toISOString();
    return { message: `Task completed successfully in ${seconds} seconds at ${at}`, seconds };
  },
};
