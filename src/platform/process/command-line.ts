import { hostname, userInfo } from "node:os";

/** The user and the host that run this process, such as `ada@db-1`. A user of a container may have no name. */
export function commandLine(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    return `${process.getuid?.() ?? "unknown"}@${hostname()}`;
  }
}
