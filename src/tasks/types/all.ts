/** All task types. Add one line here for a new type. */
export { backupDatabaseType } from "./backup-database.ts";
export { batchImportType } from "./batch-import.ts";
export { cleanupOldLogsType } from "./cleanup-old-logs.ts";
export { documentType } from "./document/document.ts";
export { genericType } from "./generic.ts";
export { imageType } from "./image/image.ts";
export { generateDailyReportType, processApiAnalyticsType } from "./reports.ts";
export { videoType } from "./video/video.ts";
