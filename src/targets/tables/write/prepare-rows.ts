/** For destinations other than tables: looks up values, and claims values that no other row of the file may have. */
import { type Context, inTransaction, type Tx } from "../../../context.ts";
import type { RowError } from "../../../schema/batches.ts";
import type { Definition } from "../../definition/definition.ts";
import type { Outcome, TargetBatch, TargetRow, Values } from "../../target.ts";
import { resolveLookups } from "./lookups.ts";
import { claimValues, releaseValues, uniqueColumnsOf } from "./unique-values.ts";

type Row = TargetRow<Values>;

export interface PreparedRows {
  readonly ready: readonly Row[];
  /** The errors of the other rows. */
  readonly failures: ReadonlyMap<number, readonly RowError[]>;
}

export class RowPreparation {
  readonly #definition: Definition;
  readonly #hasLookups: boolean;
  readonly #unique: ReturnType<typeof uniqueColumnsOf>;

  constructor(definition: Definition) {
    this.#definition = definition;
    this.#hasLookups = definition.columns.some(({ lookup }) => lookup !== undefined);
    this.#unique = uniqueColumnsOf(definition);
  }

  /**
   * Outside of a transaction it takes a short one of its own, so that other chunks do not wait for the answer of an endpoint. A
   * row that is sent again has its values already.
   */
  async prepare(ctx: Context | Tx, batch: TargetBatch, rows: readonly Row[]): Promise<PreparedRows> {
    if (!this.#hasLookups && this.#unique.length === 0) return { ready: rows, failures: new Map() };
    return inTransaction(ctx, async (tx) => {
      const looked = await resolveLookups(tx, this.#definition, rows);
      const failures = new Map<number, readonly RowError[]>(looked.failures);
      const refusals = await claimValues(tx, batch.id, this.#unique, looked.rows);
      for (const [{ row }, { error }] of refusals) failures.set(row, [error]);
      return { ready: looked.rows.filter((row) => !refusals.has(row)), failures };
    });
  }

  /** Gives up the unique values of rows that have failed, so that other rows may have them. */
  async release(
    tx: Tx,
    batch: TargetBatch,
    rows: readonly Row[],
    outcomeOf: (row: number) => Outcome | undefined,
  ): Promise<void> {
    const failed = rows.filter(({ row }) => outcomeOf(row)?.kind === "failed");
    await releaseValues(tx, batch.id, this.#unique, failed);
  }
}
