import { FORMATS } from "../../../platform/pictures/formats.ts";
import type { Inspected } from "../../../platform/pictures/inspect.ts";
import type { EncodedPicture, Plan } from "../../../platform/pictures/transform.ts";

/** "Resized photo.jpg from 4000 x 3000 to 1920 x 1440 and converted it from PNG to WebP: 2.1 MB became 0.4 MB" */
export function summaryOf(
  name: string,
  before: Inspected & { readonly bytes: number },
  after: EncodedPicture & Pick<Plan, "format">,
): string {
  const from = `${before.width} x ${before.height}`;
  const to = `${after.width} x ${after.height}`;
  const formats = `from ${FORMATS[before.format].title} to ${FORMATS[after.format].title}`;
  const isConverted = before.format !== after.format;
  const kept = FORMATS[after.format].canMove ? before.pages : 1;
  const lost = before.frames > kept ? `. Only the first of its ${before.frames} frames was kept` : "";
  const bytes = `${inUnits(before.bytes)} became ${inUnits(after.bytes.length)}${lost}`;
  if (from !== to) {
    return `Resized ${name} from ${from} to ${to}${isConverted ? ` and converted it ${formats}` : ""}: ${bytes}`;
  }
  return `${isConverted ? `Converted ${name} ${formats}` : `Re-encoded ${name}`}, ${to}: ${bytes}`;
}

function inUnits(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`;
  const [size, unit] = bytes < 1_000_000 ? [bytes / 1000, "kB"] : [bytes / 1_000_000, "MB"];
  return `${size.toFixed(1)} ${unit}`;
}
