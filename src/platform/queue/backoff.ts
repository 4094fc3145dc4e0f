/**
 * Returns up to 1, 2, 4, 8 ... seconds, at most a minute, unless other limits are given. Half of the delay is random, so
 * that attempts which failed together do not collide again.
 * @param attempt the number of failures so far, from 1
 */
export function backoffSeconds(attempt: number, { firstSeconds = 1, maxSeconds = 60 } = {}): number {
  const ceiling = Math.min(maxSeconds, firstSeconds * 2 ** (attempt - 1));
  return ceiling / 2 + (Math.random() * ceiling) / 2;
}
