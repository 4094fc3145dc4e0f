/** The pace that a task wants for its lane. */
export interface Pace {
  /** With the port, if the URL has one. */
  readonly host: string;
  /** Tasks of the lane that start per second; null: any number. */
  readonly perSecond: number | null;
  /** Tasks of the lane that run at a time. */
  readonly concurrent: number;
}

export type PaceOf = (params: Record<string, unknown>) => Pace;

export interface Lane {
  readonly userId: number;
  readonly host: string;
}
