import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { flag, oneOf, search, text, wholeNumber } from "../../api/search.ts";
import { signedInRoute } from "../../shell/root.tsx";
import { BATCH_STATES, ROW_STATUSES, TABS } from "./choices.ts";

const list = createRoute({
  getParentRoute: () => signedInRoute,
  path: "/batches",
  validateSearch: search({ state: oneOf(BATCH_STATES), target: text(100), q: text(100) }),
  component: lazyRouteComponent(() => import("./batches-page.tsx"), "BatchesPage"),
});

const detail = createRoute({
  getParentRoute: () => signedInRoute,
  path: "/batches/$batchId",
  validateSearch: search({
    tab: oneOf(TABS),
    status: oneOf(ROW_STATUSES),
    undo: oneOf(["kept", "failed"]),
    code: text(200),
    column: text(1000),
    /** Only errors about the whole row. */
    whole: flag(),
    /** The row that the list begins at or was scrolled to. */
    from: wholeNumber({ min: 1 }),
    /** The row whose details are open. */
    row: wholeNumber({ min: 1 }),
  }),
  component: lazyRouteComponent(() => import("./batch-page.tsx"), "BatchPage"),
});

export const batchRoutes = [list, detail] as const;
