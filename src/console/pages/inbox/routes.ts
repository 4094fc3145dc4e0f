import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { flag, oneOf, search } from "../../api/search.ts";
import { signedInRoute } from "../../shell/root.tsx";
import { KINDS } from "./subject.ts";

const inbox = createRoute({
  getParentRoute: () => signedInRoute,
  path: "/inbox",
  validateSearch: search({ unread: flag(), kind: oneOf(KINDS) }),
  component: lazyRouteComponent(() => import("./inbox-page.tsx"), "InboxPage"),
});

export const inboxRoutes = [inbox] as const;
