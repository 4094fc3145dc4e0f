/** Every capability that the documents of the replaced services describe, and the tests that show it. */
import { backgroundTasks } from "./capabilities/background-tasks.ts";
import { bookUpload } from "./capabilities/book-upload.ts";
import type { Capability, ReplacedService } from "./capabilities/capability.ts";
import { csvImporter } from "./capabilities/csv-importer.ts";
import { fileProcessing } from "./capabilities/file-processing.ts";
import { taskQueue } from "./capabilities/task-queue.ts";

export const services: readonly ReplacedService[] = [
  bookUpload,
  fileProcessing,
  taskQueue,
  csvImporter,
  backgroundTasks,
];

/** From test/legacy/contract to test. */
export const fileOf = ({ file }: ReplacedService) => `legacy/contract/${file}`;

/** Each capability with its number, such as S0.1. */
export function numbered({ id, capabilities }: ReplacedService): (readonly [number: string, Capability])[] {
  return capabilities.map((capability, index) => [`${id}.${index + 1}`, capability]);
}

/** `replayed` if the requests of the document show it. */
export function howChecked({ missing, replayed }: Capability): "missing" | "replayed" | "other test" {
  if (missing !== undefined) return "missing";
  return replayed === undefined ? "other test" : "replayed";
}

/** Names what checks the capability: labels of replayed requests, and other tests with their files. */
export function checksOf({ missing, replayed = [], tests = {} }: Capability): string {
  if (missing !== undefined) return `missing: ${missing}`;
  const others = Object.entries(tests).map(
    ([file, names]) => `\`${`test/${file}`}\`: ${names.map((name) => `"${name}"`).join(", ")}`,
  );
  return [...(replayed.length > 0 ? [`replayed: ${replayed.join(", ")}`] : []), ...others].join("; ");
}
