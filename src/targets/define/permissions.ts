import type { Actor, Role } from "../../schema/accounts.ts";
import type { Definition } from "../definition/definition.ts";

/** Those who may upload if a definition names nobody. */
const ROLES: readonly Role[] = ["user", "operator", "admin"];

/** Whether a user may upload for a defined target. Administrators always may. */
export function mayUpload(
  { permissions }: Pick<Definition, "permissions">,
  { role, username }: Pick<Actor, "role" | "username">,
): boolean {
  if (role === "admin") return true;
  const { users, roles = users ? [] : ROLES } = permissions ?? {};
  return roles.includes(role) || (users?.includes(username) ?? false);
}
