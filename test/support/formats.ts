/** Matchers for values whose format is known. */
import { expect } from "vitest";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export const A_NUMBER: unknown = expect.any(Number);
export const A_UUID: unknown = expect.stringMatching(UUID);
export const A_MOMENT: unknown = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
export const A_JWT: unknown = expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/);
/** Refresh tokens and API tokens, which have no parts. */
export const A_SECRET: unknown = expect.stringMatching(/^[\w-]{20,}$/);
