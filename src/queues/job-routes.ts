import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../context.ts";
import { DETAIL_BYTES } from "../platform/http/bounded-answers.ts";
import { problems } from "../platform/http/errors.ts";
import { Uuid } from "../platform/http/schemas.ts";
import { userRoutes } from "../platform/http/user-routes.ts";
import { getJob, isOperatorRole } from "./find-job.ts";
import { JobResultView, viewJobResult } from "./job-result-view.ts";

export function jobRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["tasks"] }, (app, shared) => {
    app.get(
      "/api/v1/jobs/:job_id",
      {
        schema: {
          ...shared,
          operationId: "getJob",
          summary: "Get the result of a job",
          description:
            "Returns the state and the result of the `job_id` of a task or of a row. The latest job of a task is found as long as " +
            "the task exists, any other job for a day after its end. Operators and administrators can get every job.",
          params: Type.Object({ job_id: { ...Uuid, description: "The id of the job." } }),
          response: { 200: JobResultView, ...problems(400, 401, 404) },
        },
      },
      async ({ ctx, user, params }) => {
        await ctx.reserveMemory(DETAIL_BYTES);
        return viewJobResult(await getJob(ctx, params.job_id, isOperatorRole(user.role)), ctx.now());
      },
    );
  });
}
