export const SECTIONS = ["profile", "password", "sessions", "tokens", "notifications"] as const;
