/** The HTTP surface: every plugin and every group of routes, in order. */
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import Fastify, { type FastifyBaseLogger } from "fastify";
import packageJson from "../package.json" with { type: "json" };
import { accountAdminRoutes } from "./accounts/admin-routes.ts";
import { browserRoutes } from "./accounts/browser-routes.ts";
import { confirmRoutes } from "./accounts/confirm/confirm-routes.ts";
import { passwordRoutes } from "./accounts/control/password-routes.ts";
import { accountListRoutes } from "./accounts/list-routes.ts";
import { passwordResetRoutes } from "./accounts/reset/password-reset-routes.ts";
import { accountRoutes } from "./accounts/routes.ts";
import { sessionRoutes } from "./accounts/sessions/session-routes.ts";
import { tokenRoutes } from "./accounts/tokens/token-routes.ts";
import { usageRoutes } from "./accounts/usage-routes.ts";
import { verifiers } from "./accounts/verify/verifiers.ts";
import { auditRoutes } from "./audit/admin-routes.ts";
import { backupRoutes } from "./backups/admin-routes.ts";
import { BackupView } from "./backups/views.ts";
import { adminBatchRoutes } from "./batches/admin-routes.ts";
import { controlRoutes } from "./batches/control/control-routes.ts";
import { correctionRoutes } from "./batches/control/correction-routes.ts";
import { editRoutes } from "./batches/control/edit-routes.ts";
import { eventRoutes } from "./batches/event-routes.ts";
import { uploadRoutes } from "./batches/receive/upload-routes.ts";
import { resultRoutes } from "./batches/results/results-routes.ts";
import { batchRoutes } from "./batches/routes.ts";
import { RowDetail, RowView } from "./batches/row-views.ts";
import { AdminBatchView, BatchView, ListedBatchView, UploadedBatchView } from "./batches/views.ts";
import { mediaRoutes } from "./books/media-routes.ts";
import { bookRoutes } from "./books/routes.ts";
import { BookView } from "./books/views.ts";
import { searchConnections } from "./config/connections.ts";
import type { Context } from "./context.ts";
import { adminEventRoutes } from "./events/admin-routes.ts";
import { changeRoutes } from "./events/changes/routes.ts";
import { fileRoutes } from "./files/routes.ts";
import { FileView } from "./files/views.ts";
import { legacyRoutes } from "./legacy/routes.ts";
import { outboxRoutes } from "./mails/outbox/routes.ts";
import { unsubscribeRoutes } from "./mails/unsubscribe/unsubscribe-routes.ts";
import { notificationAdminRoutes } from "./notifications/admin-routes.ts";
import { notificationEventRoutes } from "./notifications/event-routes.ts";
import { notificationRoutes } from "./notifications/routes.ts";
import { NotificationView, PreferenceView } from "./notifications/views.ts";
import { CONSOLE_FOLDER } from "./platform/console/folder.ts";
import { registerAuth } from "./platform/http/auth.ts";
import { takeEmptyJson } from "./platform/http/body.ts";
import { guardBodies } from "./platform/http/body-guard.ts";
import { limitBodies, SMALL_BODY_BYTES } from "./platform/http/body-limits.ts";
import { boundAnswers } from "./platform/http/bounded-answers.ts";
import { refuseConnection } from "./platform/http/client-errors.ts";
import { limitConnections } from "./platform/http/connections.ts";
import { registerConsole } from "./platform/http/console.ts";
import { registerDocs } from "./platform/http/docs.ts";
import { limitDownloadReads } from "./platform/http/download-reads.ts";
import { handleErrors, Problem, refuseUrl } from "./platform/http/errors.ts";
import { healthRoutes } from "./platform/http/health.ts";
import { registerOpenApi } from "./platform/http/openapi.ts";
import { refuseWhenOverloaded } from "./platform/http/overload.ts";
import { refuseEncodedBodies } from "./platform/http/raw-file.ts";
import { answerRequestId, requestIds } from "./platform/http/request-id.ts";
import { limitRequests } from "./platform/http/request-limits.ts";
import { lazyCompilers } from "./platform/http/schema-compilers.ts";
import { registerSecurityHeaders } from "./platform/http/security-headers.ts";
import { refuseUnknownQueries } from "./platform/http/unknown-queries.ts";
import { registerUploads } from "./platform/http/upload.ts";
import { jobRoutes } from "./queues/job-routes.ts";
import { adminQueueRoutes } from "./queues/routes.ts";
import { statisticsRoutes } from "./queues/statistics/routes.ts";
import { QueueView } from "./queues/views.ts";
import { adminWorkerRoutes } from "./queues/workers/routes.ts";
import { recordRoutes } from "./records/routes.ts";
import { RecordView } from "./records/views.ts";
import { reportRoutes } from "./reports/routes.ts";
import { DailyView, ReportView, WeeklyView } from "./reports/views.ts";
import { registerRequestContext } from "./request-context.ts";
import { openRequestLog } from "./request-log/log-requests.ts";
import { scheduleAdminRoutes } from "./schedules/admin-routes.ts";
import { scheduleControlRoutes } from "./schedules/control/control-routes.ts";
import { scheduleRoutes } from "./schedules/routes.ts";
import { scheduleSchemas } from "./schedules/views.ts";
import { secretRoutes } from "./secrets/admin-routes.ts";
import { targetDefinitionRoutes } from "./targets/define/definition-routes.ts";
import { Definition } from "./targets/definition/definition.ts";
import { targetRoutes } from "./targets/routes.ts";
import { TargetView } from "./targets/views.ts";
import { adminTaskRoutes } from "./tasks/admin-routes.ts";
import { taskControlRoutes } from "./tasks/control/control-routes.ts";
import { createTaskRoutes } from "./tasks/create/create-routes.ts";
import { newTaskSchemas } from "./tasks/create/new-task-schemas.ts";
import { taskEventRoutes } from "./tasks/event-routes.ts";
import { taskLimitRoutes } from "./tasks/limit-routes.ts";
import { taskRoutes } from "./tasks/routes.ts";
import { taskTypeRoutes } from "./tasks/types/routes.ts";
import { TaskTypeView } from "./tasks/types/views.ts";
import { TaskView } from "./tasks/views.ts";
import { webhookControlRoutes } from "./webhooks/control/control-routes.ts";
import { webhookRoutes } from "./webhooks/routes.ts";
import { WebhookView } from "./webhooks/views.ts";
import { adminWorkflowRoutes } from "./workflows/admin-routes.ts";
import { workflowControlRoutes } from "./workflows/control/control-routes.ts";
import { createWorkflowRoutes } from "./workflows/create/create-routes.ts";
import { workflowEventRoutes } from "./workflows/event-routes.ts";
import { workflowRoutes } from "./workflows/routes.ts";
import { WorkflowStepView } from "./workflows/step-views.ts";
import { WorkflowDetailView, WorkflowView } from "./workflows/views.ts";

/** Closes connections without traffic in either direction. */
const IDLE_CONNECTION_MS = 120_000;
/** Longer than the idle time of common load balancers (60 s), which must close first. */
const KEEP_ALIVE_MS = 72_000;
const HEADERS_MS = 15_000;
/** How often Node looks for late headers. */
const CHECK_MS = 5000;

/** Returns the app without listening, so that tests can inject requests. */
export async function createApp(ctx: Context) {
  const requestLog = openRequestLog(ctx);
  const { compileAll, ...compilersFactory } = lazyCompilers();
  const app = Fastify({
    loggerInstance: ctx.log as FastifyBaseLogger,
    ...requestIds,
    trustProxy: ctx.config.trustProxy || false,
    connectionTimeout: IDLE_CONNECTION_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    http: { headersTimeout: HEADERS_MS, connectionsCheckingInterval: CHECK_MS },
    // An upload can take hours. body-pace.ts limits every body.
    requestTimeout: 0,
    bodyLimit: SMALL_BODY_BYTES,
    // An open upload must not delay the end of the program.
    forceCloseConnections: true,
    frameworkErrors(error, request, reply) {
      requestLog.observe(request, reply);
      refuseUrl(error, request, reply);
    },
    clientErrorHandler: refuseConnection,
    schemaController: { compilersFactory },
    routerOptions: { ignoreTrailingSlash: true },
    ajv: { customOptions: { allErrors: true, keywords: [], discriminator: true } },
  }).withTypeProvider<TypeBoxTypeProvider>();

  app.decorate("compileSchemas", compileAll);
  await ctx.tracing.followRequests(app);
  requestLog.follow(app);
  limitConnections(app.server, ctx.config);
  answerRequestId(app);
  handleErrors(app, CONSOLE_FOLDER);
  limitBodies(app);
  guardBodies(app, ctx.config);
  takeEmptyJson(app);
  limitRequests(app, ctx.config, searchConnections(ctx.reads.connections));
  await registerSecurityHeaders(app, ctx.config);
  await refuseWhenOverloaded(app);
  await registerAuth(app, ctx.config, verifiers({ ...ctx, ...ctx.reads }));
  registerRequestContext(app, ctx);
  boundAnswers(app, ctx.config.answerMemoryBytes);
  limitDownloadReads(app, searchConnections(ctx.reads.connections));
  await registerUploads(app);
  refuseEncodedBodies(app);
  await registerOpenApi(app, packageJson.version);
  await registerDocs(app);
  await registerConsole(app, CONSOLE_FOLDER);
  refuseUnknownQueries(app, "/api/v1/");

  for (const schema of [
    Problem,
    BatchView,
    ListedBatchView,
    AdminBatchView,
    UploadedBatchView,
    RowView,
    RowDetail,
  ])
    app.addSchema(schema);
  for (const schema of [BookView, RecordView, TargetView, Definition, FileView]) app.addSchema(schema);
  for (const schema of [TaskView, TaskTypeView, ...newTaskSchemas, QueueView]) app.addSchema(schema);
  for (const schema of [DailyView, WeeklyView, ReportView, WebhookView, BackupView]) app.addSchema(schema);
  for (const schema of scheduleSchemas) app.addSchema(schema);
  for (const schema of [WorkflowView, WorkflowDetailView, WorkflowStepView]) app.addSchema(schema);
  for (const schema of [NotificationView, PreferenceView]) app.addSchema(schema);

  await app.register(healthRoutes(() => ctx.reads.pool.query("SELECT 1")));
  await app.register(accountRoutes(ctx));
  await app.register(browserRoutes(ctx));
  await app.register(passwordRoutes(ctx));
  await app.register(passwordResetRoutes(ctx));
  await app.register(confirmRoutes(ctx));
  await app.register(sessionRoutes(ctx));
  await app.register(tokenRoutes(ctx));
  await app.register(accountListRoutes(ctx));
  await app.register(accountAdminRoutes(ctx));
  await app.register(usageRoutes(ctx));
  await app.register(uploadRoutes(ctx));
  await app.register(batchRoutes(ctx));
  await app.register(controlRoutes(ctx));
  await app.register(adminBatchRoutes(ctx));
  await app.register(editRoutes(ctx));
  await app.register(correctionRoutes(ctx));
  await app.register(targetRoutes(ctx));
  await app.register(targetDefinitionRoutes(ctx));
  await app.register(resultRoutes(ctx));
  await app.register(eventRoutes(ctx));
  await app.register(bookRoutes(ctx));
  await app.register(mediaRoutes(ctx));
  await app.register(recordRoutes(ctx));
  await app.register(fileRoutes(ctx));
  await app.register(createTaskRoutes(ctx));
  await app.register(taskRoutes(ctx));
  await app.register(taskControlRoutes(ctx));
  await app.register(taskEventRoutes(ctx));
  await app.register(taskTypeRoutes(ctx));
  await app.register(adminTaskRoutes(ctx));
  await app.register(createWorkflowRoutes(ctx));
  await app.register(workflowRoutes(ctx));
  await app.register(workflowControlRoutes(ctx));
  await app.register(workflowEventRoutes(ctx));
  await app.register(adminWorkflowRoutes(ctx));
  await app.register(scheduleControlRoutes(ctx));
  await app.register(scheduleRoutes(ctx));
  await app.register(scheduleAdminRoutes(ctx));
  await app.register(taskLimitRoutes(ctx));
  await app.register(secretRoutes(ctx));
  await app.register(jobRoutes(ctx));
  await app.register(adminQueueRoutes(ctx));
  await app.register(adminWorkerRoutes(ctx));
  await app.register(statisticsRoutes(ctx));
  await app.register(adminEventRoutes(ctx));
  await app.register(changeRoutes(ctx));
  await app.register(reportRoutes(ctx));
  await app.register(webhookRoutes(ctx));
  await app.register(webhookControlRoutes(ctx));
  await app.register(notificationRoutes(ctx));
  await app.register(notificationEventRoutes(ctx));
  await app.register(notificationAdminRoutes(ctx));
  await app.register(outboxRoutes(ctx));
  await app.register(unsubscribeRoutes(ctx));
  await app.register(backupRoutes(ctx));
  await app.register(auditRoutes(ctx));
  await app.register(legacyRoutes(ctx));
  return app;
}
