/**
 * Returns up to 1, 2, 4, 8 ... seconds, at most a minute. Half of the delay is random, so that attempts which failed
 * together do not collide again.
 * @param attempt the number of failures so far, from 1
 */
export function backoffSeconds(attempt: number): number {
  const ceiling = Math.min(60, 2 ** (attempt - 1));
  return ceiling / 2 + (Math.random() * ceiling) / 2;
}
