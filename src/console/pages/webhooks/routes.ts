import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { flag, oneOf, search, text } from "../../api/search.ts";
import { signedInRoute } from "../../shell/root.tsx";
import { DELIVERY_STATES } from "./states.ts";

const list = createRoute({
  getParentRoute: () => signedInRoute,
  path: "/webhooks",
  validateSearch: search({ add: flag() }),
  component: lazyRouteComponent(() => import("./webhooks-page.tsx"), "WebhooksPage"),
});

const detail = createRoute({
  getParentRoute: () => signedInRoute,
  path: "/webhooks/$id",
  validateSearch: search({
    state: oneOf(DELIVERY_STATES),
    delivery: text(36),
    edit: flag(),
  }),
  component: lazyRouteComponent(() => import("./webhook-page.tsx"), "WebhookPage"),
});

export const webhookRoutes = [list, detail] as const;
