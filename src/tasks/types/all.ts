/** All task types. Add one line here for a new type. */
export { batchImportType } from "./batch-import.ts";
export { documentType } from "./document/document.ts";
export { genericType } from "./generic.ts";
export { imageType } from "./image/image.ts";
export { sendAdminNotificationType } from "./mail/send-admin-notification.ts";
export { sendBulkNotificationsType } from "./mail/send-bulk-notifications.ts";
export { sendPasswordResetEmailType } from "./mail/send-password-reset-email.ts";
export { sendWelcomeEmailType } from "./mail/send-welcome-email.ts";
export { videoType } from "./video/video.ts";
