/** A handler returns this to put its job back instead of completing it. The place of the job becomes free. */
export class Later {
  readonly afterSeconds: number;
  /** The payload of the next delivery, which continues the work. */
  readonly payload: object;
  /** Whether the job counts as one that its user has running meanwhile. */
  readonly isCounted: boolean;
  /** Whether the job goes behind jobs of the same priority. Otherwise it precedes those that have not started. */
  readonly isLast: boolean;
  /** Whether nothing was done for the job, so that it goes back as it was, with its payload, to its place. */
  readonly isUntouched: boolean;

  constructor(
    afterSeconds: number,
    payload: object,
    { isCounted = true, isLast = false, isUntouched = false } = {},
  ) {
    this.afterSeconds = afterSeconds;
    this.payload = payload;
    this.isCounted = isCounted;
    this.isLast = isLast;
    this.isUntouched = isUntouched;
  }
}
