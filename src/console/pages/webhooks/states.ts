/** For the filter of the deliveries, in its address too. */
export const DELIVERY_STATES = ["pending", "delivered", "failed"] as const;
