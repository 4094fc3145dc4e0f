import type { Definition } from "../definition/definition.ts";

/** A part of the form that changes several fields of a definition. */
export interface PartProps {
  readonly definition: Definition;
  readonly onChange: (definition: Definition) => void;
}
