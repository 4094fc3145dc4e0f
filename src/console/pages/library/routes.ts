import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { flag, oneOf, search, text, wholeNumber } from "../../api/search.ts";
import { signedInRoute } from "../../shell/root.tsx";

const library = createRoute({
  getParentRoute: () => signedInRoute,
  path: "/library",
  // The pages of the old book service lead to `add` and `edit`.
  validateSearch: search({
    search: text(),
    sort: oneOf(["id", "title", "author"]),
    add: flag(),
    edit: wholeNumber({ min: 1 }),
  }),
  component: lazyRouteComponent(() => import("./library-page.tsx"), "LibraryPage"),
});

export const libraryRoutes = [library] as const;
