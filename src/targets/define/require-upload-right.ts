import { eq } from "drizzle-orm";
import type { Tx } from "../../context.ts";
import { DomainError, invalidField } from "../../errors.ts";
import { users } from "../../schema/accounts.ts";
import { mayUpload } from "./permissions.ts";
import { findDefinition, getVersion } from "./queries.ts";

interface WritingBatch {
  readonly userId: number;
  readonly target: string;
  /** null: the target is a part of Rowmill. */
  readonly targetVersion: number | null;
}

/**
 * Checks the right of the owner of a batch again before more of its rows are written: it may have ended since the upload
 * began. Batches of a deleted target go on with the permissions of their version. Administrators may do it for everybody.
 * @param isUpload whether the batch is only now complete, so that its target must still exist
 * @throws DomainError `forbidden`; `invalid_input` if the target was deleted during the upload
 */
export async function requireUploadRight(
  tx: Tx,
  { userId, target, targetVersion }: WritingBatch,
  { isUpload = false } = {},
): Promise<void> {
  if (targetVersion === null) return;
  const current = await findDefinition(tx, target);
  if (!current && isUpload) throw invalidField("target", `"${target}" was deleted during the upload.`);
  if (tx.actor?.role === "admin") return;
  const { definition } = current ?? (await getVersion(tx, target, targetVersion));
  const [owner] = await tx.db
    .select({ role: users.role, username: users.username })
    .from(users)
    .where(eq(users.id, userId));
  if (owner && mayUpload(definition, owner)) return;
  const message = `${owner?.username ?? "The owner"} may not upload for the target ${target} any more. An administrator can change its permissions.`;
  throw new DomainError("forbidden", message);
}
