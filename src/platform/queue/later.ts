/** A handler returns this to put its job back instead of completing it. The place of the job becomes free. */
export class Later {
  readonly afterSeconds: number;
  /** The payload of the next delivery, which continues the work. */
  readonly payload: object;
  /** Whether the job counts as one that its user has running meanwhile. */
  readonly isCounted: boolean;
  /** Whether the job goes behind jobs of the same priority. Otherwise it precedes those that have not started. */
  readonly isLast: boolean;

  constructor(afterSeconds: number, payload: object, { isCounted = true, isLast = false } = {}) {
    this.afterSeconds = afterSeconds;
    this.payload = payload;
    this.isCounted = isCounted;
    this.isLast = isLast;
  }
}
