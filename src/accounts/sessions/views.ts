import Type, { type Static } from "typebox";
import { Moment, Uuid } from "../../platform/http/schemas.ts";
import type { Session } from "./lock-session.ts";

export const OwnSessionView = Type.Object({
  id: Type.String({ ...Uuid, description: "The id of the session." }),
  created_at: Moment("When you logged in."),
  last_used_at: Moment("When the session was last refreshed, or the login."),
  expires_at: Moment("When the session ends unless it is refreshed."),
  address: Type.String({
    description: "The IP address of the last refresh, or empty.",
    examples: ["192.0.2.7"],
  }),
  user_agent: Type.String({
    description: "The `User-Agent` of the last refresh, or empty.",
    examples: ["Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0"],
  }),
  is_current: Type.Boolean({ description: "Whether this request belongs to the session." }),
});

export function viewSession(session: Session, currentId: string | null): Static<typeof OwnSessionView> {
  const { id, createdAt, lastUsedAt, expiresAt, address, userAgent } = session;
  return {
    id,
    created_at: createdAt.toISOString(),
    last_used_at: lastUsedAt.toISOString(),
    expires_at: expiresAt.toISOString(),
    address,
    user_agent: userAgent,
    is_current: id === currentId,
  };
}
