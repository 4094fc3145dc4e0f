/** Numbers of rows of a batch: sums over its chunks. */
export interface Totals {
  /** The run that has ended with these sums. null: they may still change. */
  readonly run: number | null;
  readonly succeeded: number;
  readonly failed: number;
  readonly created: number;
  readonly updated: number;
  readonly unchanged: number;
  readonly reversed: number;
  readonly kept: number;
  readonly undoFailed: number;
}
