import type { Context } from "../context.ts";
import { invalidField } from "../errors.ts";
import type { Role } from "../schema/accounts.ts";
import { hasBrokenPlace, hasPlace, NAME_RULE, namesIn } from "./names.ts";
import { type ListedSecret, listSecrets } from "./queries.ts";
import { type SecretUse, whyRefused } from "./use.ts";

/**
 * For texts that are saved, and sent later with the secrets in them.
 * @throws DomainError `invalid_input` that names a secret that does not exist or may not be sent there
 */
export async function requireKnownSecrets(
  ctx: Context,
  texts: readonly string[],
  field: string,
  { url, role }: SecretUse,
): Promise<void> {
  await requireUsableSecrets(ctx, [{ texts, names: namesIn(texts), field, url }], async () => role);
}

/**
 * For texts that are sent as they are, such as URLs.
 * @throws DomainError `invalid_input` if the text has a place for a secret
 */
export function requireNoSecrets(text: string, field: string): void {
  if (hasPlace(text))
    throw invalidField(
      field,
      "cannot have secrets. Only the values of `headers` can have `{{secret:NAME}}`.",
    );
}

interface Use {
  /** Texts with `{{secret:NAME}}`. */
  readonly texts: readonly string[];
  /** The names in them, or names without braces. */
  readonly names: readonly string[];
  readonly field: string;
  readonly url: string;
}

/**
 * As `requireKnownSecrets`, for many requests of one user.
 * @param roleOf called if any of them uses a secret
 */
export async function requireUsableSecrets(
  ctx: Context,
  uses: readonly Use[],
  roleOf: () => Promise<Role>,
): Promise<void> {
  for (const { texts, field } of uses) {
    if (texts.some(hasBrokenPlace))
      throw invalidField(
        field,
        `has \`{{secret\` without a valid name: \`{{secret:NAME}}\`. A name ${NAME_RULE}.`,
      );
  }
  const named = uses.filter(({ names }) => names.length > 0);
  if (named.length === 0) return;
  const role = await roleOf();
  const known = new Map((await listSecrets(ctx)).map((secret) => [secret.name, secret]));
  for (const { names, field, url } of named)
    for (const name of names) requireUsable(name, known.get(name), field, { url, role });
}

function requireUsable(name: string, secret: ListedSecret | undefined, field: string, use: SecretUse): void {
  if (!secret) {
    throw invalidField(
      field,
      `names the secret ${name}, which does not exist. An admin can set it: PUT /api/v1/admin/secrets/${name}`,
    );
  }
  const reason = whyRefused(secret, use);
  if (reason !== null) throw invalidField(field, `names the secret ${name}, which ${reason}`);
}
