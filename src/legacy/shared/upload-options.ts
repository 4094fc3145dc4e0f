import Value from "typebox/value";
import { UploadOptions } from "../../batches/receive/upload-options.ts";

/** What the replaced services' endpoints ask for: each upload by itself, each row a record. */
export function legacyUploadOptions(target: string): UploadOptions {
  const options = Value.Default(UploadOptions, { target, mode: "append", force: true });
  return options as UploadOptions;
}
