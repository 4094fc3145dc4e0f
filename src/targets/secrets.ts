import { findBuiltIn } from "./registry.ts";

/** Shown instead of a secret cell. */
export const MASK = "***";

interface UploadedFile {
  readonly target: string;
  readonly header: readonly string[];
  readonly mapping: Readonly<Record<string, number>>;
}

/** The positions in the header of columns whose cells are secret. */
export function secretPositions({ target, mapping }: Omit<UploadedFile, "header">): number[] {
  const secrets = findBuiltIn(target)?.secrets ?? [];
  return secrets.flatMap((column) => mapping[column] ?? []);
}

/**
 * Masks the secret cells of a row. If cells may be in the wrong columns, any of them may be secret, so all are masked.
 * @param isMalformed whether the row is not valid CSV
 */
export function maskSecrets(
  batch: UploadedFile,
  fields: readonly string[],
  isMalformed: boolean,
): readonly string[] {
  const secrets = secretPositions(batch);
  if (secrets.length === 0) return fields;
  const isShifted = isMalformed || fields.length !== batch.header.length;
  return fields.map((cell, at) => (cell !== "" && (isShifted || secrets.includes(at)) ? MASK : cell));
}
