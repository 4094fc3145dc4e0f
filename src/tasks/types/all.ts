/** The registry: every task type is its file and a line here. */

export { documentType } from "./document.ts";
export { genericType } from "./generic.ts";
export { videoType } from "./video.ts";
