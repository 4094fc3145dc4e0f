/** As in package.json, which npm only warns about. */
const OLDEST_NODE = 24;

/** @returns why this version of Node.js cannot run Rowmill; null if it can */
export function nodeProblem(version: string): string | null {
  return Number.parseInt(version, 10) < OLDEST_NODE
    ? `Node ${version} is too old. Install Node ${OLDEST_NODE} or later.`
    : null;
}
