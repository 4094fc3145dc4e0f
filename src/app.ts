/** The HTTP surface: every plugin and every group of routes, in order. */
import type { FastifyPluginAsyncTypebox, TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
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
import { batchControlRoutes } from "./batches/control/control-routes.ts";
import { batchCorrectionRoutes } from "./batches/correct/correction-routes.ts";
import { batchEditRoutes } from "./batches/correct/edit-routes.ts";
import { batchEventRoutes } from "./batches/event-routes.ts";
import { uploadRoutes } from "./batches/receive/upload-routes.ts";
import { batchResultRoutes } from "./batches/results/results-routes.ts";
import { batchRoutes } from "./batches/routes.ts";
import { RowDetail, RowView } from "./batches/row-views.ts";
import { AdminBatchView, BatchView, ListedBatchView, UploadedBatchView } from "./batches/views.ts";
import { bookMediaRoutes } from "./books/media-routes.ts";
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
import { keepWaitingConnections, limitConnections } from "./platform/http/connections.ts";
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
import { openRequestLog, type RequestLog } from "./request-log/log-requests.ts";
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

/** Closes connections without traffic in either direction, unless the client waits for the server (connections.ts). */
const IDLE_CONNECTION_MS = 120_000;
/** Longer than the idle time of common load balancers (60 s), which must close first. */
const KEEP_ALIVE_MS = 72_000;
const HEADERS_MS = 15_000;
/** How often Node looks for late headers. */
const CHECK_MS = 5000;

/** The schemas that the OpenAPI document names. */
const SCHEMAS = [
  Problem,
  BatchView,
  ListedBatchView,
  AdminBatchView,
  UploadedBatchView,
  RowView,
  RowDetail,
  BookView,
  RecordView,
  TargetView,
  Definition,
  FileView,
  TaskView,
  TaskTypeView,
  ...newTaskSchemas,
  QueueView,
  DailyView,
  WeeklyView,
  ReportView,
  WebhookView,
  BackupView,
  ...scheduleSchemas,
  WorkflowView,
  WorkflowDetailView,
  WorkflowStepView,
  NotificationView,
  PreferenceView,
];

/** The groups of routes, in the order of the OpenAPI document. Probes precede them. */
const ROUTES: readonly ((ctx: Context) => FastifyPluginAsyncTypebox)[] = [
  accountRoutes,
  browserRoutes,
  passwordRoutes,
  passwordResetRoutes,
  confirmRoutes,
  sessionRoutes,
  tokenRoutes,
  accountListRoutes,
  accountAdminRoutes,
  usageRoutes,
  uploadRoutes,
  batchRoutes,
  batchControlRoutes,
  adminBatchRoutes,
  batchEditRoutes,
  batchCorrectionRoutes,
  targetRoutes,
  targetDefinitionRoutes,
  batchResultRoutes,
  batchEventRoutes,
  bookRoutes,
  bookMediaRoutes,
  recordRoutes,
  fileRoutes,
  createTaskRoutes,
  taskRoutes,
  taskControlRoutes,
  taskEventRoutes,
  taskTypeRoutes,
  adminTaskRoutes,
  createWorkflowRoutes,
  workflowRoutes,
  workflowControlRoutes,
  workflowEventRoutes,
  adminWorkflowRoutes,
  scheduleControlRoutes,
  scheduleRoutes,
  scheduleAdminRoutes,
  taskLimitRoutes,
  secretRoutes,
  jobRoutes,
  adminQueueRoutes,
  adminWorkerRoutes,
  statisticsRoutes,
  adminEventRoutes,
  changeRoutes,
  reportRoutes,
  webhookRoutes,
  webhookControlRoutes,
  notificationRoutes,
  notificationEventRoutes,
  notificationAdminRoutes,
  outboxRoutes,
  unsubscribeRoutes,
  backupRoutes,
  auditRoutes,
  legacyRoutes,
];

/** Returns the app without listening, so that tests can inject requests. */
export async function createApp(ctx: Context) {
  const requestLog = openRequestLog(ctx);
  const app = newServer(ctx, requestLog);
  await ctx.tracing.followRequests(app);
  requestLog.follow(app);
  limitConnections(app.server, ctx.config);
  keepWaitingConnections(app);
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

  for (const schema of SCHEMAS) app.addSchema(schema);
  await app.register(healthRoutes(() => ctx.reads.pool.query("SELECT 1")));
  for (const group of ROUTES) await app.register(group(ctx));
  return app;
}

/** The server without any route: its limits, and how it answers requests that Fastify cannot read. */
function newServer({ config, log }: Context, requestLog: RequestLog) {
  const { compileAll, ...compilersFactory } = lazyCompilers();
  const app = Fastify({
    loggerInstance: log as FastifyBaseLogger,
    ...requestIds,
    trustProxy: config.trustProxy || false,
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
  return app;
}
