/** The outcome of one check of the doctor. */
export interface Finding {
  /** `warning`: nothing fails now, but something will, or may be unintended. */
  readonly level: "ok" | "warning" | "problem";
  /** Says what to do unless the level is `ok`. */
  readonly text: string;
}

export const good = (text: string): Finding => ({ level: "ok", text });
export const warning = (text: string): Finding => ({ level: "warning", text });
export const bad = (text: string): Finding => ({ level: "problem", text });
