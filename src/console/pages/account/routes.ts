import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { oneOf, search } from "../../api/search.ts";
import { signedInRoute } from "../../shell/root.tsx";
import { SECTIONS } from "./sections.ts";

const account = createRoute({
  getParentRoute: () => signedInRoute,
  path: "/account",
  validateSearch: search({ section: oneOf(SECTIONS) }),
  component: lazyRouteComponent(() => import("./account-page.tsx"), "AccountPage"),
});

export const accountRoutes = [account] as const;
