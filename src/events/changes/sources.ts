/** The things that a client can follow, as lists show them. */
import { NOTIFICATION_CHANNEL } from "../../announcements/announce.ts";
import { BATCH_CHANNEL } from "../../batches/batch-changes.ts";
import { readBatches } from "../../batches/queries.ts";
import { batchVersion, viewListedBatch } from "../../batches/views.ts";
import type { Context } from "../../context.ts";
import { countUnread } from "../../notifications/queries.ts";
import { viewUnread } from "../../notifications/views.ts";
import { versionOf } from "../../platform/http/etag.ts";
import { readTasks } from "../../tasks/queries.ts";
import { TASK_CHANNEL, WORKFLOW_CHANNEL } from "../../tasks/transitions.ts";
import { taskVersion, viewTaskSummary } from "../../tasks/views.ts";
import { readWorkflows } from "../../workflows/queries.ts";
import { viewWorkflow } from "../../workflows/views.ts";
import type { ChangeSource } from "./change-feed.ts";

export const batchChanges = (ctx: Context): ChangeSource => ({
  event: "batch",
  channel: BATCH_CHANNEL,
  read: async (ids) => {
    const { items, hasMore } = await readBatches(ctx, ids);
    const views = items.map((batch) => viewListedBatch(batch, ctx));
    return { items: views.map((data) => ({ id: data.id, version: batchVersion(data), data })), hasMore };
  },
});

export const taskChanges = (ctx: Context): ChangeSource => ({
  event: "task",
  channel: TASK_CHANNEL,
  read: async (ids) => {
    const { items, hasMore } = await readTasks(ctx, ids);
    const views = items.map((task) => viewTaskSummary(task, ctx));
    return { items: views.map((data) => ({ id: data.id, version: taskVersion(data), data })), hasMore };
  },
});

export const workflowChanges = (ctx: Context): ChangeSource => ({
  event: "workflow",
  channel: WORKFLOW_CHANNEL,
  read: async (ids) => {
    const { items, hasMore } = await readWorkflows(ctx, ids);
    const shown = items.map(({ stepStates, ...workflow }) => {
      const data = viewWorkflow(workflow, ctx);
      return { id: data.id, version: versionOf({ ...data, stepStates }), data };
    });
    return { items: shown, hasMore };
  },
});

/** The ids are those of users. */
export const notificationChanges = (ctx: Context): ChangeSource => ({
  event: "notifications",
  channel: NOTIFICATION_CHANNEL,
  read: async (userIds) => {
    const counted = await countUnread(ctx, userIds.map(Number));
    const items = counted.map(({ userId, unread, newestId }) => {
      const data = { ...viewUnread(unread), newest_id: newestId };
      return { id: String(userId), version: versionOf(data), data };
    });
    return { items, hasMore: false };
  },
});
