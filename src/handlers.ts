/** Binds each job to its verb. The types require a handler for every job. */
import { removeOldLimits } from "./accounts/hourly-limit.ts";
import { removeOldLoginCounters } from "./accounts/login-counters.ts";
import { startPasswordReset } from "./accounts/reset/start-password-reset.ts";
import { removeExpiredSessions } from "./accounts/sessions/remove-expired-sessions.ts";
import { removeExpiredTokens } from "./accounts/tokens/remove-expired-tokens.ts";
import { reconcileNotifications } from "./announcements/announce.ts";
import { recordRepeats } from "./audit/record-repeated.ts";
import { removeOldAuditEntries } from "./audit/remove-old-entries.ts";
import { reconcileBackups } from "./backups/reconcile-backups.ts";
import { removeFailedBackups } from "./backups/remove-old-backups.ts";
import { requestDueBackup, runBackup } from "./backups/run-backup.ts";
import { processChunk } from "./batches/process/process-chunk.ts";
import { processWhole } from "./batches/process/process-whole.ts";
import { reverseRows } from "./batches/undo/reverse-rows.ts";
import { reconcile } from "./batches/upkeep/reconcile.ts";
import { removeLostCauses } from "./batches/upkeep/remove-lost-causes.ts";
import { removeOldBatches } from "./batches/upkeep/remove-old-batches.ts";
import type { Context, Tx } from "./context.ts";
import { removeDeadFiles } from "./files/remove-files.ts";
import { removeLostChunks } from "./files/remove-lost-chunks.ts";
import { removeUnusedFiles } from "./files/remove-unused-files.ts";
import { removeStaleKeys } from "./idempotency/claim-key.ts";
import type { JobName, jobs, Payload } from "./jobs.ts";
import { sendMail } from "./mails/send/send-mail.ts";
import { reconcileMails } from "./mails/upkeep/reconcile-mails.ts";
import { removeOldMails } from "./mails/upkeep/remove-old-mails.ts";
import { alertProblems } from "./notifications/alert-problems.ts";
import { fanOut } from "./notifications/fan-out.ts";
import { removeOldNotifications } from "./notifications/remove-old-notifications.ts";
import type { Delivery } from "./platform/queue/delivery.ts";
import type { Later } from "./platform/queue/later.ts";
import { removeOldMinutes } from "./queues/statistics/remove-old-minutes.ts";
import { removeLostWorkers } from "./queues/workers/remove-lost-workers.ts";
import { writeDueReports } from "./reports/write-due-reports.ts";
import { removeOldEntries } from "./request-log/remove-old-entries.ts";
import { removeOldTicks } from "./schedules/remove-old-ticks.ts";
import { runDueTicks } from "./schedules/run/run-due-ticks.ts";
import { removeIdleLanes } from "./tasks/lanes/wake-waiting.ts";
import { runTask } from "./tasks/run/run-task.ts";
import { reconcileTasks } from "./tasks/upkeep/reconcile-tasks.ts";
import { removeOldTasks } from "./tasks/upkeep/remove-old-tasks.ts";
import { deliver } from "./webhooks/deliver/deliver.ts";
import { reconcileDeliveries } from "./webhooks/upkeep/reconcile-deliveries.ts";
import {
  removeDeletedWebhooks,
  removeExcessDeliveries,
  removeOldDeliveries,
} from "./webhooks/upkeep/remove-deliveries.ts";
import { handleWorkflowJob } from "./workflows/advance/advance-workflow.ts";
import { reconcileWorkflows } from "./workflows/upkeep/reconcile-workflows.ts";
import { removeOldWorkflows } from "./workflows/upkeep/remove-old-workflows.ts";

export interface JobInput<N extends JobName> {
  readonly payload: Payload<N>;
  readonly delivery: Delivery;
  /** The transaction that also completes the job; null for jobs that are not transactional. */
  readonly tx: (typeof jobs)[N]["transactional"] extends true ? Tx : null;
}

type Handlers = {
  readonly [N in JobName]: (ctx: Context, input: JobInput<N>) => Promise<object | Later | undefined>;
};

export const handlers: Handlers = {
  processChunk: (ctx, { payload, delivery, tx }) => processChunk(ctx, tx, payload, delivery),
  processWhole: (ctx, { payload, delivery, tx }) => processWhole(ctx, tx, payload, delivery),
  undoBatch: (ctx, { payload, delivery }) => reverseRows(ctx, payload.batchId, delivery, payload.progress),
  runBulkTask: (ctx, { payload, delivery }) => runTask(ctx, payload, delivery),
  runFileTask: (ctx, { payload, delivery }) => runTask(ctx, payload, delivery),
  runTask: (ctx, { payload, delivery }) => runTask(ctx, payload, delivery),
  runNotification: (ctx, { payload, delivery }) => runTask(ctx, payload, delivery),
  runHttpTask: (ctx, { payload, delivery }) => runTask(ctx, payload, delivery),
  advanceWorkflow: (ctx, { payload }) => handleWorkflowJob(ctx, payload),
  deliverWebhook: (ctx, { payload, delivery }) => deliver(ctx, payload, delivery),
  runTicks: async (ctx, { delivery }) => ({ ticks: await runDueTicks(ctx, delivery.signal) }),
  notify: (_ctx, { tx }) => fanOut(tx),
  sendMail: (ctx, { payload, delivery }) => sendMail(ctx, payload.mailId, delivery),
  startPasswordReset: (_, { payload, tx }) => startPasswordReset(tx, payload),
  runBackup: (ctx, { payload: { backupId, tickAt }, delivery }) =>
    backupId === undefined ? requestDueBackup(ctx, tickAt) : runBackup(ctx, backupId, delivery.signal),
  reconcile: async (ctx, { delivery }) => {
    const filesRemoved = await removeDeadFiles(ctx);
    const repaired = {
      filesRemoved,
      ...(await reconcile(ctx)),
      ...(await reconcileTasks(ctx)),
      lanesRemoved: await removeIdleLanes(ctx),
      workflowsAdvanced: await reconcileWorkflows(ctx),
      isNotifyEnqueued: await reconcileNotifications(ctx),
      ...(await reconcileMails(ctx)),
      ...(await reconcileDeliveries(ctx)),
      backupsRepaired: await reconcileBackups(ctx),
      alerts: await alertProblems(ctx),
      auditHoursEnded: await recordRepeats(ctx),
    };
    await removeDeletedWebhooks(ctx);
    await removeExcessDeliveries(ctx);
    return { ...repaired, ticksRun: await runDueTicks(ctx, delivery.signal) };
  },
  clean: async (ctx, { delivery }) => {
    const removed = {
      batchesRemoved: await removeOldBatches(ctx),
      lostCausesRemoved: await removeLostCauses(ctx),
      tasksRemoved: await removeOldTasks(ctx),
      workflowsRemoved: await removeOldWorkflows(ctx),
      notificationsRemoved: await removeOldNotifications(ctx),
      filesRemoved: await removeUnusedFiles(ctx),
      lostChunksRemoved: await removeLostChunks(ctx),
      sessionsRemoved: await removeExpiredSessions(ctx),
      loginCountersRemoved: await removeOldLoginCounters(ctx),
      limitsRemoved: await removeOldLimits(ctx),
      tokensRemoved: await removeExpiredTokens(ctx),
      keysRemoved: await removeStaleKeys(ctx),
      backupsRemoved: await removeFailedBackups(ctx),
      workersRemoved: await removeLostWorkers(ctx),
      statisticsRemoved: await removeOldMinutes(ctx),
      requestLogRemoved: await removeOldEntries(ctx, delivery.signal),
      auditEntriesRemoved: await removeOldAuditEntries(ctx, delivery.signal),
      deliveriesRemoved: await removeOldDeliveries(ctx),
      mailsRemoved: await removeOldMails(ctx),
      ticksRemoved: await removeOldTicks(ctx, delivery.signal),
    };
    ctx.log.info(removed, "cleanup finished");
    return removed;
  },
  dailyReport: (ctx, { delivery }) => writeDueReports(ctx, "daily", delivery.signal),
  weeklyReport: (ctx, { delivery }) => writeDueReports(ctx, "weekly", delivery.signal),
};
