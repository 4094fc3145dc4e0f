import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { search, text, wholeNumber } from "../../api/search.ts";
import { signedInRoute } from "../../shell/root.tsx";

const list = createRoute({
  getParentRoute: () => signedInRoute,
  path: "/records",
  validateSearch: search({ batch: text(36), record: wholeNumber({ min: 1 }) }),
  component: lazyRouteComponent(() => import("./records-page.tsx"), "RecordsPage"),
});

export const recordRoutes = [list] as const;
