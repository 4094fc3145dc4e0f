/** All task types. Add one line here for a new type. */
export { backupDatabaseType } from "./backup-database.ts";
export { batchImportType } from "./batch-import.ts";
export { documentType } from "./document/document.ts";
export { genericType } from "./generic.ts";
export { imageType } from "./image/image.ts";
export { videoType } from "./video/video.ts";
