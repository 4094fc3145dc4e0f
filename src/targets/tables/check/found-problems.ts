export interface Found {
  readonly errors: Map<string, string[]>;
  readonly notes: string[];
}

export function add({ errors }: Found, field: string, message: string): void {
  errors.set(field, [...(errors.get(field) ?? []), message]);
}

/** The ways in which uploads change the table. */
export interface Use {
  readonly inserts: boolean;
  readonly updates: boolean;
  readonly isUndoable: boolean;
}
