/** All task types. Add one line here for a new type. */
export { backupDatabaseType } from "./backup-database.ts";
export { batchImportType } from "./batch-import.ts";
export { cleanupOldLogsType } from "./cleanup-old-logs.ts";
export { documentType } from "./document/document.ts";
export { genericType } from "./generic.ts";
export { httpType } from "./http/http.ts";
export { imageType } from "./image/image.ts";
export { sendAdminNotificationType } from "./mail/send-admin-notification.ts";
export { sendBulkNotificationsType } from "./mail/send-bulk-notifications.ts";
export { sendPasswordResetEmailType } from "./mail/send-password-reset-email.ts";
export { sendWelcomeEmailType } from "./mail/send-welcome-email.ts";
export { generateDailyReportType, processApiAnalyticsType } from "./reports.ts";
export { videoType } from "./video/video.ts";
