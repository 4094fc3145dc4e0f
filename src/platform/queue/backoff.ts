/**
 * 1, 2, 4, 8 ... seconds at the most a minute, half of it by chance, so that rivals don't meet again.
 * @param attempt 1 after the first failure
 */
export function backoffSeconds(attempt: number): number {
  const ceiling = Math.min(60, 2 ** (attempt - 1));
  return ceiling / 2 + (Math.random() * ceiling) / 2;
}
