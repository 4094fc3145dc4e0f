import type { ErrorComponentProps } from "@tanstack/react-router";
import { Failure } from "../parts/feedback.tsx";
import { isMissingCode, reload } from "./missing-code.ts";

/** A page that cannot be shown. */
export function PageFailure({ error, reset }: ErrorComponentProps) {
  return <Failure error={error} onRetry={isMissingCode(error) ? () => void reload() : reset} />;
}
