import { describeError } from "../log.ts";

/** Returns the code or the class of an error, because messages can quote data. A text is such a code itself. */
export function errorType(error: unknown): string {
  if (typeof error === "string") return error;
  const { code, type } = describeError(error);
  return code ?? type;
}
