import type { Schemas } from "../../../client/operations.ts";

export type Kind = Schemas["NotificationPreference"]["kind"];
