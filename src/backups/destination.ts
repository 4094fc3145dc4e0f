/** The place of a backup: a folder, or the database. It is read before it is kept; disposing of it before that removes it. */
export interface Place {
  /** null for a stored file. */
  readonly path: string | null;
  /** null for a file in a folder. */
  readonly fileId: string | null;
}

export interface Destination extends AsyncDisposable {
  append(bytes: Buffer): Promise<void>;
  /** Yields all bytes, once the last of them is stored. */
  read(): AsyncIterable<Buffer>;
  keep(): Promise<Place>;
}

/** Returns the name of the file of a backup. Names sort by time. */
export function nameOfBackup(id: string, createdAt: Date): string {
  const moment = createdAt.toISOString().replace(/[-:.]/g, "");
  return `rowmill-${moment}-${id}.jsonl.gz`;
}

/** The end of the name of an incomplete file. */
export const PARTIAL = ".partial";

const NAME = /^rowmill-\d{8}T\d{9}Z-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.jsonl\.gz(\.partial)?$/;

/** @returns null for any other file */
export function readName(name: string): { id: string; isPartial: boolean } | null {
  const [, id, partial] = NAME.exec(name) ?? [];
  return id === undefined ? null : { id, isPartial: partial !== undefined };
}
