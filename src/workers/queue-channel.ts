/** Its payload is the name of a queue that was paused or resumed. */
export const QUEUE_CHANNEL = "rowmill_queue";
