import type { Context } from "../context.ts";
import { invalidField } from "../errors.ts";
import { hasBrokenPlace, NAME_RULE, namesIn } from "./names.ts";
import { findSecrets } from "./queries.ts";
import { type SecretUse, whyRefused } from "./use.ts";

/**
 * For texts that are saved, and sent later with the secrets in them.
 * @throws DomainError `invalid_input` that names a secret that does not exist or may not be sent there
 */
export async function requireKnownSecrets(
  ctx: Context,
  texts: readonly string[],
  field: string,
  use: SecretUse,
): Promise<void> {
  if (texts.some(hasBrokenPlace))
    throw invalidField(
      field,
      `has \`{{secret\` without a valid name: \`{{secret:NAME}}\`. A name ${NAME_RULE}.`,
    );
  await requireKnownNames(ctx, namesIn(texts), field, use);
}

/** As `requireKnownSecrets`, for secrets that are named without braces. */
export async function requireKnownNames(
  ctx: Context,
  names: readonly string[],
  field: string,
  use: SecretUse,
): Promise<void> {
  const found = await findSecrets(ctx, names);
  for (const name of names) {
    const secret = found.find((one) => one.name === name);
    if (!secret) {
      throw invalidField(
        field,
        `names the secret ${name}, which does not exist. An admin can set it: PUT /api/v1/admin/secrets/${name}`,
      );
    }
    const reason = whyRefused(secret, use);
    if (reason !== null) throw invalidField(field, `names the secret ${name}, which ${reason}`);
  }
}
