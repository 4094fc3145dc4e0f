/** One mail of each kind, as its users get it, and mails with the worst data that accounts, files and people can hold. */
import { loadConfig } from "../../src/config/config.ts";
import type { MailData, MailKind } from "../../src/mails/mail-data.ts";
import type { StoredMail } from "../../src/mails/render/render-mail.ts";
import { sampleDay, sampleWeek } from "./sample-reports.ts";

export const sampleConfig = loadConfig({
  DATABASE_URL: "postgres://127.0.0.1:1/none",
  JWT_SECRET: "sample".repeat(8),
  PUBLIC_URL: "https://rowmill.example.com",
  SMTP_URL: "smtp://127.0.0.1:1025",
  EMAIL_FROM: "Rowmill <rowmill@example.com>",
});

const ID = "01a20159-f320-7af5-a6be-a1fe00000000";

const data: { readonly [K in MailKind]: MailData[K] } = {
  welcome: { username: "ada", email: "ada@example.com", registered_at: "2026-11-26T08:30:00.000Z" },
  confirm_email: { username: "ada", email: "ada@example.com" },
  password_reset: { username: "ada", reset_id: ID },
  batch_finished: {
    batch_id: ID,
    target: "books",
    file_name: "autumn-books.csv",
    state: "completed_with_errors",
    reason: null,
    total: 12_400,
    succeeded: 12_377,
    failed: 23,
    unprocessed: 0,
    causes: [
      { message: "title: must not be empty.", rows: 17 },
      { message: "author: must have at most 200 characters.", rows: 5 },
      { message: "The title is already taken by row 311.", rows: 1 },
    ],
  },
  task_ended: {
    task_id: ID,
    type: "image",
    title: "cover.png",
    message: "The file is not an image that can be read.",
    state: "failed",
  },
  workflow_ended: {
    workflow_id: ID,
    name: "Analytics of the week",
    message: "1 of 3 steps failed: process_api_analytics.",
    state: "failed",
  },
  schedule_failed: {
    schedule_id: ID,
    name: "Nightly import",
    tick_at: "2026-11-26T02:30:00.000Z",
    reason: "file_id does not name one of your files. Upload it with POST /api/v1/files first.",
  },
  webhook_disabled: {
    webhook_id: ID,
    url: "https://example.com/webhooks/rowmill",
    reason: "Deliveries have failed for 3 days, and none has succeeded.",
  },
  backup_ended: {
    backup_id: "20261126T021500Z",
    state: "failed",
    message: "There is no space left on the disk of DATA_DIR.",
  },
  daily_report: { report: { ...sampleDay } },
  weekly_analytics: { report: { ...sampleWeek } },
  admin_alert: {
    subject: "The backup has failed",
    message:
      "The disk of DATA_DIR is full, so last night's backup was not written.\nFree some space, and run: npm run cli -- backup",
  },
  bulk_message: {
    subject: "Maintenance on Sunday",
    message:
      "Rowmill is not available on Sunday from 06:00 to 06:30 UTC.\n\nUploads that are running then continue afterwards.",
    sender: "grace",
  },
};

const recipient = { id: ID, userId: 7, address: "ada@example.com", name: "Ada Lovelace" };

export const sampleMails: readonly StoredMail[] = Object.entries(data).map(([kind, data]) => ({
  ...recipient,
  kind,
  data: data as unknown as Record<string, unknown>,
}));

/** Markup, line breaks, marks that turn the direction of text, and no end. */
const HOSTILE = `"><script>alert(1)</script>&amp;\r\nBcc: evil@example.com\r\n\r\n\u202e\u2066evil\u0000\u0007`;

/** The same mails, with hostile and very long texts everywhere. */
export const hostileMails: readonly StoredMail[] = sampleMails.map((mail) => ({
  ...mail,
  name: HOSTILE.repeat(50),
  data: hostile(mail.data, "") as Record<string, unknown>,
}));

/** States select words and ids are made by Rowmill, so they stay. */
function hostile(value: unknown, key: string): unknown {
  if (typeof value === "string")
    return key === "state" || key.endsWith("_id") ? value : `${HOSTILE}${"x".repeat(100_000)}`;
  if (Array.isArray(value)) return Array.from({ length: 100 }, () => hostile(value[0], ""));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([name, part]) => [name, hostile(part, name)] as const);
  const many = Array.from(
    { length: key.includes("_by_") ? 100 : 0 },
    (_, at) => [`${HOSTILE}${at}`, at] as const,
  );
  return Object.fromEntries([...entries, ...many]);
}
