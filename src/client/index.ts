/** `rowmill/client` */
import type { Schemas } from "./operations.ts";

export type { components, operations, paths } from "./api.ts";
export { type AnyRequest, type BatchOptions, createClient, RowmillClient } from "./client.ts";
export { RowmillError } from "./errors.ts";
export type { Schemas } from "./operations.ts";
export type { TransportOptions as ClientOptions } from "./transport.ts";
export type { Progress, UploadControls, UploadSource } from "./upload.ts";
export type { WaitOptions } from "./wait.ts";

export type Batch = Schemas["Batch"];
export type Row = Schemas["Row"];
export type Task = Schemas["Task"];
export type StoredFile = Schemas["StoredFile"];
