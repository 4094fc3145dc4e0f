/**
 * The endpoints of the services that Rowmill replaces, over the same verbs as /api/v1. Only app.ts imports this folder: to
 * remove the endpoints, delete the folder and two lines there.
 */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { Context } from "../context.ts";
import { backgroundTaskRoutes } from "./background-tasks/routes.ts";
import { legacyBookRoutes } from "./book-upload/book-routes.ts";
import { bookUploadPages } from "./book-upload/page-routes.ts";
import { bookUploadRoutes } from "./book-upload/routes.ts";
import { csvImporterRoutes } from "./csv-importer/routes.ts";
import { fileProcessingRoutes } from "./file-processing/routes.ts";
import { taskByIdRoutes } from "./task-by-id-routes.ts";
import { taskQueueRoutes } from "./task-queue/routes.ts";
import { taskQueueUserRoutes } from "./task-queue/user-routes.ts";

export function legacyRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    await app.register(bookUploadRoutes(ctx));
    await app.register(legacyBookRoutes(ctx));
    await app.register(bookUploadPages);
    await app.register(csvImporterRoutes(ctx));
    await app.register(fileProcessingRoutes(ctx));
    await app.register(taskQueueRoutes(ctx));
    await app.register(taskByIdRoutes(ctx));
    await app.register(taskQueueUserRoutes(ctx));
    await app.register(backgroundTaskRoutes(ctx));
  };
}
