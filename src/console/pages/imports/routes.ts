import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { oneOf, search, text } from "../../api/search.ts";
import { signedInRoute } from "../../shell/root.tsx";
import { STEPS } from "./steps.ts";

const wizard = createRoute({
  getParentRoute: () => signedInRoute,
  path: "/import",
  validateSearch: search({ target: text(100), step: oneOf(STEPS) }),
  component: lazyRouteComponent(() => import("./import-page.tsx"), "ImportPage"),
});

export const importRoutes = [wizard] as const;
