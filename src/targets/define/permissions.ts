import type { Actor } from "../../schema/accounts.ts";
import type { Definition } from "../definition/definition.ts";

/** Whether a user may upload for a defined target. Administrators always may. */
export function mayUpload(
  { permissions }: Pick<Definition, "permissions">,
  { role, username }: Pick<Actor, "role" | "username">,
): boolean {
  if (role === "admin") return true;
  const { roles = ["user", "operator", "admin"], users = [] } = permissions ?? {};
  return roles.includes(role) || users.includes(username);
}
