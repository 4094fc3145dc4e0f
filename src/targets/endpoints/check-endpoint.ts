import type { Context } from "../../context.ts";
import { DomainError, type FieldErrors } from "../../errors.ts";
import { checkHeaders, checkUrl } from "../../platform/http-client/check-request.ts";
import { namesIn } from "../../secrets/names.ts";
import { requireNoSecrets, requireUsableSecrets } from "../../secrets/require-known-secrets.ts";
import type { Definition } from "../definition/definition.ts";
import { checkLookupTables } from "../tables/check/check-lookup-tables.ts";

/** Headers that Rowmill sets, besides those that no request may set. */
const RESERVED = /^(idempotency-key|traceparent|tracestate)$/;

/**
 * Checks the endpoint of a definition: its URLs, headers and secrets.
 * @returns the errors by the paths of fields
 */
export async function checkEndpoint(
  ctx: Context,
  definition: Definition,
): Promise<{ errors: FieldErrors; notes: string[] }> {
  const { destination, undo } = definition;
  if (destination.type !== "http") return { errors: {}, notes: [] };
  const { url, undo_url, headers = {}, sign_with, trust_empty } = destination;
  const checks = [
    () => requireNoSecrets(url, "destination.url"),
    () => undo_url && requireNoSecrets(undo_url, "destination.undo_url"),
    () => checkUrl(ctx.config.egress, url, "destination.url"),
    () => undo_url && checkUrl(ctx.config.egress, undo_url, "destination.undo_url"),
    () => checkHeaders(headers, { field: "destination.headers", reserved: RESERVED }),
  ];
  const errors = await errorsOf(checks);
  Object.assign(errors, await checkLookupTables(ctx, definition));
  // Whether a secret may be sent depends on the URL.
  if (Object.keys(errors).length === 0) Object.assign(errors, await secretErrors(ctx, destination));
  const notes: string[] = [];
  if (!sign_with)
    notes.push("Requests are not signed. Set `sign_with` so that the endpoint can tell who sent them.");
  if (trust_empty)
    notes.push("Rows count as created if the endpoint answers 200 or 204 without a body (`trust_empty`).");
  if (!undo_url && undo !== "none") notes.push("Batches cannot be undone, because there is no `undo_url`.");
  return { errors, notes };
}

async function secretErrors(
  ctx: Context,
  { url, undo_url, headers = {}, sign_with }: Extract<Definition["destination"], { type: "http" }>,
): Promise<FieldErrors> {
  const urls = [url, ...(undo_url ? [undo_url] : [])];
  return errorsOf(
    urls.flatMap((to) => {
      const texts = Object.values(headers);
      const uses = [
        { texts, names: namesIn(texts), field: "destination.headers", url: to },
        { texts: [], names: sign_with ? [sign_with] : [], field: "destination.sign_with", url: to },
      ];
      // Only administrators define targets.
      return uses.map((use) => () => requireUsableSecrets(ctx, [use], async () => "admin"));
    }),
  );
}

/** Runs all checks, so that an administrator sees all errors at once. */
async function errorsOf(checks: readonly (() => unknown)[]): Promise<FieldErrors> {
  const errors: FieldErrors = {};
  for (const check of checks) {
    try {
      await check();
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      Object.assign(errors, error.fieldErrors);
    }
  }
  return errors;
}
