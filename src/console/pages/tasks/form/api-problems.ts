import { RowmillError } from "../../../api/client.ts";
import type { Problems } from "./problems.ts";

/** The errors of fields from an answer of the API. */
export function problemsOfAnswer(error: unknown, prefix = ""): Problems {
  if (!(error instanceof RowmillError)) return {};
  return Object.fromEntries(
    Object.entries(error.field_errors)
      .filter(([path]) => path.startsWith(prefix))
      .map(([path, texts]) => [path.slice(prefix.length), texts.join(" ")]),
  );
}
