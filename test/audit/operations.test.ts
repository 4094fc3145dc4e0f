/** Every operation of operators and admins that changes something has an entry in the audit log. */
import { randomUUID } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import type { AuditAction } from "../../src/audit/actions.ts";
import { AUDIT_ACTIONS } from "../../src/audit/actions.ts";
import type { AuditEntryView } from "../../src/audit/views.ts";
import { registerWorker } from "../../src/queues/workers/register-worker.ts";
import { storeBuiltins } from "../../src/schedules/builtins.ts";
import type { Answer, Client } from "../support/client.ts";
import { operationsOf, readDocument } from "../support/document.ts";
import { newMail } from "../support/mails.ts";
import { DATABASE_BACKEND } from "../support/postgres.ts";
import { makeTask } from "../support/task-client.ts";
import { useAdmin, useRowmill } from "../support/use-rowmill.ts";
import { giveEmail } from "../support/with-email.ts";
import { makeWorkflow, quick } from "../support/workflows.ts";

const rowmill = useRowmill({
  settings: { SMTP_URL: "smtp://127.0.0.1:1", EMAIL_FROM: "rowmill@example.com" },
});
const admin = useAdmin(rowmill);

interface Recorded {
  readonly action: AuditAction;
  /** Also recorded for the one thing that the operation changes. */
  readonly each?: AuditAction;
  /** Performs the operation so that it changes something. */
  readonly perform: () => Promise<Answer>;
}

const ACCOUNTS = "/api/v1/accounts";
const ADMIN = "/api/v1/admin";

const onAccount = async (perform: (path: string, user: Client) => Promise<Answer>) => {
  const user = await rowmill.newUser();
  return perform(`${ACCOUNTS}/${user.userId}`, user);
};

/** Creates a task of its own type of title, and changes all tasks with it. */
const onTask = async (verb: "cancel" | "retry" | "delete") => {
  const title = `audited ${verb} ${randomUUID().slice(0, 8)}`;
  const { id } = await makeTask(admin, { title });
  if (verb === "retry") await admin.post(`/api/v1/tasks/${id}/cancel`);
  return admin.post(`${ADMIN}/tasks/${verb}`, { filter: { search: title }, expect: 1 });
};

/** Uploads a file for which no worker runs, changes its batch, and performs the operation on the batches of this name. */
const onBatch = async (action: string, more: object = {}, before?: "pause" | "cancel") => {
  const name = `audited-${action}.csv`;
  const { body } = await admin.upload("title,author\nEmma,Austen\n", "/api/v1/batches?force=true", name);
  if (before) await admin.post(`/api/v1/batches/${body.id}/${before}`);
  return admin.post(`${ADMIN}/batches/${action}`, { filter: { q: name }, expect: 1, ...more });
};

const typedRecords = {
  destination: { type: "records" },
  columns: [{ name: "amount", type: "decimal" }],
  example_rows: [{ amount: "1.50" }],
};

/** Add a line for each new operation. */
const OPERATIONS: Readonly<Record<string, Recorded>> = {
  createAccount: {
    action: "account.created",
    perform: () => admin.post(ACCOUNTS, { username: "made by an admin", role: "operator" }),
  },
  updateAccount: {
    action: "account.role_changed",
    perform: () => onAccount((path) => admin.patch(path, { role: "operator" })),
  },
  disableAccount: {
    action: "account.disabled",
    perform: () => onAccount((path) => admin.post(`${path}/disable`)),
  },
  enableAccount: {
    action: "account.enabled",
    perform: () =>
      onAccount(async (path) => {
        await admin.post(`${path}/disable`);
        return admin.post(`${path}/enable`);
      }),
  },
  logOutAccount: {
    action: "account.sessions_ended",
    perform: () => onAccount((path) => admin.delete(`${path}/sessions`)),
  },
  revokeAccountTokens: {
    action: "account.tokens_revoked",
    perform: () =>
      onAccount(async (path, user) => {
        await user.post("/api/v1/auth/tokens", { name: "robot" });
        return admin.delete(`${path}/tokens`);
      }),
  },
  resetAccountPassword: {
    action: "account.password_reset_requested",
    perform: () =>
      onAccount(async (path, user) => {
        await giveEmail(rowmill.ctx, user);
        return admin.post(`${path}/password-reset`);
      }),
  },
  adminCancelTasks: { action: "tasks.cancelled", perform: () => onTask("cancel") },
  adminRetryTasks: { action: "tasks.retried", perform: () => onTask("retry") },
  adminDeleteTasks: { action: "tasks.deleted", perform: () => onTask("delete") },
  adminPauseBatches: { action: "batches.paused", perform: () => onBatch("pause") },
  adminResumeBatches: { action: "batches.resumed", perform: () => onBatch("resume", {}, "pause") },
  adminCancelBatches: { action: "batches.cancelled", perform: () => onBatch("cancel") },
  adminRetryBatches: {
    action: "batches.retried",
    perform: () => onBatch("retry", { unprocessed: true }, "cancel"),
  },
  adminDeleteBatches: {
    action: "batches.deleted",
    each: "batch.deleted",
    perform: () => onBatch("delete", {}, "cancel"),
  },
  adminUpdateSchedule: {
    action: "schedule.updated",
    perform: async () => admin.patch(await builtIn(), { cron: "5 4 * * *" }),
  },
  adminRunSchedule: {
    action: "schedule.run",
    perform: async () => admin.post(`${await builtIn()}/run`),
  },
  adminCancelWorkflow: {
    action: "workflow.cancelled",
    perform: async () => {
      const owner = await rowmill.newUser();
      const { id } = await makeWorkflow(owner, { chain: [quick()] });
      return admin.post(`${ADMIN}/workflows/${id}/cancel`, { reason: "maintenance" });
    },
  },
  createReport: {
    action: "report.created",
    perform: () => admin.post("/api/v1/reports", { kind: "daily" }),
  },
  setTaskLimit: {
    action: "task_limit.set",
    perform: () => admin.put(`${ADMIN}/task-limits/image`, { per_second: 5, concurrent: null }),
  },
  removeTaskLimit: {
    action: "task_limit.removed",
    perform: async () => {
      await admin.put(`${ADMIN}/task-limits/video`, { per_second: 5, concurrent: null });
      return admin.delete(`${ADMIN}/task-limits/video`);
    },
  },
  setSecret: {
    action: "secret.set",
    perform: () => admin.put(`${ADMIN}/secrets/CRM_TOKEN`, { value: "correct horse battery" }),
  },
  deleteSecret: {
    action: "secret.deleted",
    perform: async () => {
      await admin.put(`${ADMIN}/secrets/OLD_TOKEN`, { value: "correct horse battery" });
      return admin.delete(`${ADMIN}/secrets/OLD_TOKEN`);
    },
  },
  shutDownWorker: {
    action: "worker.shut_down",
    perform: async () => {
      await using worker = await registerWorker(rowmill.ctx, () => {});
      return await admin.post(`${ADMIN}/workers/${worker.id}/shutdown`);
    },
  },
  createTarget: {
    action: "target.created",
    perform: () => admin.post("/api/v1/targets", { name: "audited", ...typedRecords }),
  },
  updateTarget: {
    action: "target.updated",
    perform: () => admin.put("/api/v1/targets/audited", typedRecords),
  },
  previewTarget: {
    action: "target.tested",
    perform: () => admin.post("/api/v1/targets/preview", { definition: typedRecords }),
  },
  testTarget: { action: "target.tested", perform: () => admin.post("/api/v1/targets/audited/test") },
  deleteTarget: { action: "target.deleted", perform: () => admin.delete("/api/v1/targets/audited") },
  createBackup: { action: "backup.requested", perform: () => admin.post(`${ADMIN}/backups`, {}) },
  pauseQueue: {
    action: "queue.paused",
    perform: () => admin.post(`${ADMIN}/queues/file_processing/pause`),
  },
  resumeQueue: {
    action: "queue.resumed",
    perform: async () => {
      await admin.post(`${ADMIN}/queues/notifications/pause`);
      return admin.post(`${ADMIN}/queues/notifications/resume`);
    },
  },
  purgeQueue: {
    action: "queue.purged",
    perform: async () => {
      await makeTask(admin);
      const { body } = await admin.post<{ matched: number }>(`${ADMIN}/queues/default/purge`, {});
      return admin.post(`${ADMIN}/queues/default/purge`, { expect: body.matched });
    },
  },
  alertAdmins: {
    action: "alert.sent",
    perform: () => admin.post(`${ADMIN}/alerts`, { subject: "The import is late" }),
  },
  retryMail: {
    action: "mail.retried",
    perform: async () => {
      const id = await newMail(rowmill.ctx, "ada@example.com");
      await rowmill.ctx.pool.query("UPDATE rowmill.mails SET state = 'failed' WHERE id = $1", [id]);
      return admin.post(`/api/v1/outbox/${id}/retry`);
    },
  },
  allowAddress: {
    action: "suppression.removed",
    perform: async () => {
      await rowmill.ctx.pool.query(
        "INSERT INTO rowmill.mail_suppressions (address, scope) VALUES ('gone@example.com', 'all')",
      );
      return admin.delete("/api/v1/suppressions/gone@example.com");
    },
  },
};

/** The path of a built-in schedule. */
const builtIn = async (): Promise<string> => {
  await storeBuiltins(rowmill.ctx);
  const { body } = await admin.get<{ items: { id: string }[] }>(`${ADMIN}/schedules?limit=1`);
  return `${ADMIN}/schedules/${body.items[0]?.id}`;
};

let names: string[];
beforeAll(async () => {
  const operations = operationsOf(await readDocument(rowmill.app));
  names = operations
    .filter(({ method, operation }) => "x-roles" in operation && method !== "GET")
    .map(({ operation }) => operation.operationId ?? "");
});

test("every operation of operators and admins that changes something is in the table of this test", () => {
  expect(names.length).toBeGreaterThan(15);
  expect(names.toSorted()).toEqual(Object.keys(OPERATIONS).toSorted());
});

// Backups need one server.
const possible = Object.entries(OPERATIONS).filter(
  ([name]) => DATABASE_BACKEND === "postgres" || name !== "createBackup",
);
test.each(possible)("%s is in the audit log", async (_, { action, each, perform }) => {
  const answer = await perform();
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
  const requestId = answer.headers.get("x-request-id") ?? "";
  const { body } = await admin.get<{ items: AuditEntryView[] }>(
    `${ADMIN}/audit?request_id=${encodeURIComponent(requestId)}`,
  );
  const byAdmin = { actor_id: admin.userId, actor: "root", actor_role: "admin", address: "127.0.0.1" };
  const actions = each ? [each, action] : [action];
  expect(body.items).toMatchObject(actions.map((one) => ({ action: one, ...byAdmin })));
  expect(JSON.stringify(body.items)).not.toMatch(/password_hash|rmt_|correct horse/);
});

test("every action of the audit log has a noun and a past participle", () => {
  const names = Object.keys(AUDIT_ACTIONS);
  expect(names.filter((name) => !/^[a-z_]+\.[a-z_]+$/.test(name))).toEqual([]);
});
