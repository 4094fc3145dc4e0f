import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { oneOf, search, text } from "../../api/search.ts";
import { signedInRoute } from "../../shell/root.tsx";

const files = createRoute({
  getParentRoute: () => signedInRoute,
  path: "/files",
  validateSearch: search({ origin: oneOf(["upload", "result"]), file: text(36) }),
  component: lazyRouteComponent(() => import("./files-page.tsx"), "FilesPage"),
});

export const fileRoutes = [files] as const;
