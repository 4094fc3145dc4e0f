/** The HTTP surface: every plugin and route group, in order. Tests inject into this. */
import helmet from "@fastify/helmet";
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import Fastify, { type FastifyBaseLogger, LogController } from "fastify";
import packageJson from "../package.json" with { type: "json" };
import { accountRoutes } from "./accounts/routes.ts";
import { healthRoutes } from "./admin/health-routes.ts";
import { adminQueueRoutes } from "./admin/queue-routes.ts";
import { adminTaskRoutes } from "./admin/task-routes.ts";
import { QueueView } from "./admin/views.ts";
import { controlRoutes } from "./batches/control/control-routes.ts";
import { correctionRoutes } from "./batches/control/correction-routes.ts";
import { uploadRoutes } from "./batches/receive/upload-routes.ts";
import { eventRoutes } from "./batches/results/event-routes.ts";
import { resultRoutes } from "./batches/results/results-routes.ts";
import { batchRoutes } from "./batches/routes.ts";
import { BatchView, RowDetail, RowView } from "./batches/views.ts";
import { mediaRoutes } from "./books/media-routes.ts";
import { BookView } from "./books/queries.ts";
import { bookRoutes } from "./books/routes.ts";
import type { Context } from "./context.ts";
import { bookUploadRoutes } from "./legacy/book-upload.ts";
import { bookRoutesOfSeed } from "./legacy/books.ts";
import { csvImporterRoutes } from "./legacy/csv-importer.ts";
import { registerAuth } from "./platform/http/auth.ts";
import { handleErrors, Problem } from "./platform/http/errors.ts";
import { registerOpenApi } from "./platform/http/openapi.ts";
import { refuseWhenOverloaded } from "./platform/http/overload.ts";
import { registerUploads } from "./platform/http/upload.ts";
import { preparePictures } from "./platform/pictures.ts";
import { RecordView } from "./records/queries.ts";
import { recordRoutes } from "./records/routes.ts";
import { targetRoutes } from "./targets/routes.ts";
import { TargetView } from "./targets/views.ts";
import { TaskView } from "./tasks/views.ts";

/** A connection without a byte in either direction for this long is cut: a stalled upload, a client that is gone. */
const IDLE_CONNECTION_MS = 120_000;

export async function createApp(ctx: Context) {
  const app = Fastify({
    loggerInstance: ctx.log as FastifyBaseLogger,
    // The worker logs what matters, a line a chunk; a line a poll would bury it.
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: ctx.config.trustProxy || false,
    connectionTimeout: IDLE_CONNECTION_MS,
    // An upload may take hours; what bounds it is the idle timeout.
    requestTimeout: 0,
    // Nor may one hold up the end of the program.
    forceCloseConnections: true,
    routerOptions: { ignoreTrailingSlash: true },
    ajv: { customOptions: { allErrors: true, keywords: [] } },
  }).withTypeProvider<TypeBoxTypeProvider>();

  handleErrors(app);
  await app.register(helmet, { contentSecurityPolicy: false });
  await refuseWhenOverloaded(app);
  await registerAuth(app, ctx.config);
  await registerUploads(app);
  preparePictures();
  await registerOpenApi(app, ctx.config.publicUrl, packageJson.version);

  for (const schema of [Problem, BatchView, RowView, RowDetail, BookView, RecordView, TargetView])
    app.addSchema(schema);
  app.addSchema(TaskView);
  app.addSchema(QueueView);

  await app.register(healthRoutes(ctx));
  await app.register(accountRoutes(ctx));
  await app.register(uploadRoutes(ctx));
  await app.register(batchRoutes(ctx));
  await app.register(controlRoutes(ctx));
  await app.register(correctionRoutes(ctx));
  await app.register(targetRoutes(ctx));
  await app.register(resultRoutes(ctx));
  await app.register(eventRoutes(ctx));
  await app.register(bookRoutes(ctx));
  await app.register(mediaRoutes(ctx));
  await app.register(recordRoutes(ctx));
  await app.register(adminTaskRoutes(ctx));
  await app.register(adminQueueRoutes(ctx));
  await app.register(bookUploadRoutes(ctx));
  await app.register(bookRoutesOfSeed(ctx));
  await app.register(csvImporterRoutes(ctx));
  return app;
}
