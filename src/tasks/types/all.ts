/** The registry: every task type is its file and a line here. */
export { batchImportType } from "./batch-import.ts";
export { documentType } from "./document/document.ts";
export { genericType } from "./generic.ts";
export { imageType } from "./image/image.ts";
export { videoType } from "./video/video.ts";
