import { versionOf } from "../../platform/http/etag.ts";
import type { BatchView } from "../views.ts";

/** Of what is stored: rate and time left change with the clock alone. */
export function batchVersion(view: BatchView): string {
  return versionOf({ ...view, rows_per_second: null, seconds_left: null });
}
