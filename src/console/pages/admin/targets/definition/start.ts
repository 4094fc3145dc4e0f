import type { Definition } from "./definition.ts";

/** A definition to start with. */
export interface Start {
  readonly name: string;
  readonly definition: Definition;
  readonly notes: readonly string[];
  /** The file that it was made from. */
  readonly sample: File | null;
}
