/** Makes targets of definitions. A version never changes, so each process keeps those that it has used lately. */
import { eq } from "drizzle-orm";
import { LRUCache } from "lru-cache";
import type { Context } from "../../context.ts";
import { onePer } from "../../platform/one-per.ts";
import { type Caller, users } from "../../schema/accounts.ts";
import { isTargetName, MAX_DEFINITION_BYTES } from "../definition/definition.ts";
import { builtInNamed, builtInTargets, findBuiltIn } from "../registry.ts";
import { isForRole } from "../rights.ts";
import type { Target } from "../target.ts";
import { compileDefinition } from "./compile-definition.ts";
import { mayUpload } from "./permissions.ts";
import { findDefinition, getVersion, listDefinitions, type StoredDefinition } from "./queries.ts";

/** A table may have changed since: its columns are read again after this time. */
const MAX_AGE_MS = 30_000;

const cacheOfConfig = onePer<Context["config"], LRUCache<string, Target>>();

function cacheOf({ config }: Context): LRUCache<string, Target> {
  return cacheOfConfig(
    config,
    () =>
      new LRUCache({
        maxSize: 32 * MAX_DEFINITION_BYTES,
        maxEntrySize: MAX_DEFINITION_BYTES,
        ttl: MAX_AGE_MS,
      }),
  );
}

type Uploader = Pick<Caller, "id" | "role">;

/** The target of a batch, in the version that it began with. */
export async function loadTargetOf(
  ctx: Context,
  { target, targetVersion }: { readonly target: string; readonly targetVersion: number | null },
): Promise<Target> {
  if (targetVersion === null) return builtInNamed(target);
  return (
    cacheOf(ctx).get(keyOf(target, targetVersion)) ??
    compile(ctx, await getVersion(ctx, target, targetVersion))
  );
}

/** @returns null if the target does not exist, or the user may not upload for it */
export async function findTarget(ctx: Context, name: string, user: Uploader): Promise<Target | null> {
  const builtIn = findBuiltIn(name);
  if (builtIn) return isForRole(builtIn, user.role) ? builtIn : null;
  // PostgreSQL would refuse some other names, such as those with U+0000.
  if (!isTargetName(name)) return null;
  const stored = await findDefinition(ctx, name);
  return stored && mayUpload(stored.definition, await named(ctx, user)) ? load(ctx, stored) : null;
}

/** The targets that the user may upload for: first those of Rowmill. */
export async function listTargets(ctx: Context, user: Uploader): Promise<Target[]> {
  const stored = await listDefinitions(ctx);
  const uploader = await named(ctx, user);
  const own = stored.filter(({ definition }) => mayUpload(definition, uploader));
  const defined: Target[] = [];
  for (const one of own) defined.push(await load(ctx, one));
  return [...builtInTargets.filter((target) => isForRole(target, user.role)), ...defined];
}

async function named({ db }: Context, { id, role }: Uploader) {
  const [user] = await db.select({ username: users.username }).from(users).where(eq(users.id, id));
  return { role, username: user?.username ?? "" };
}

async function load(ctx: Context, stored: StoredDefinition): Promise<Target> {
  return cacheOf(ctx).get(keyOf(stored.name, stored.version)) ?? compile(ctx, stored);
}

async function compile(ctx: Context, stored: StoredDefinition): Promise<Target> {
  const target = { ...(await compileDefinition(ctx, stored)), savedAt: stored.savedAt };
  const size = Buffer.byteLength(JSON.stringify(stored.definition));
  cacheOf(ctx).set(keyOf(stored.name, stored.version), target, { size });
  return target;
}

const keyOf = (name: string, version: number) => `${name}@${version}`;
