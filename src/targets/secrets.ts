import { findTarget } from "./registry.ts";

/** What is shown in the place of a cell that is a secret. */
export const MASK = "***";

interface Uploaded {
  readonly target: string;
  readonly header: readonly string[];
  readonly mapping: Readonly<Record<string, number>>;
}

/** Where a batch has cells that nobody may see. */
export function secretPositions({ target, mapping }: Omit<Uploaded, "header">): number[] {
  const secrets = findTarget(target)?.secrets ?? [];
  return secrets.flatMap((column) => mapping[column] ?? []);
}

/** The cells of a row as they may be shown. Where a row is torn, any of its cells may be the secret one. */
export function maskSecrets(
  batch: Uploaded,
  fields: readonly string[],
  isMalformed: boolean,
): readonly string[] {
  const secret = secretPositions(batch);
  if (secret.length === 0) return fields;
  const isTorn = isMalformed || fields.length !== batch.header.length;
  return fields.map((cell, at) => (cell !== "" && (isTorn || secret.includes(at)) ? MASK : cell));
}
