export function toJsonText(..._: unknown[]): string {
  throw new Error("stub");
}
