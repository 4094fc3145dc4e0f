export const TABS = ["target", "columns", "rules", "json"] as const;

/** A part of the form. */
export type Tab = (typeof TABS)[number];
