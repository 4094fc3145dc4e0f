import { Permanent } from "../../errors.ts";

const MAX_REASON_CHARS = 300;

/**
 * The failure of a library that reads a file.
 * @param format the expected format with its article, such as `a PDF`
 * @returns `cause` itself if it is already a Permanent
 */
export function damaged(name: string, format: string, cause: unknown): Permanent {
  if (cause instanceof Permanent) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  const message = `"${name}" cannot be read as ${format}. It is damaged or cut off: ${reason.slice(0, MAX_REASON_CHARS)}`;
  return new Permanent("damaged", message, { cause });
}
