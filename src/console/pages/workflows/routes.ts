import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { oneOf, search, text } from "../../api/search.ts";
import { operatorRoute, signedInRoute } from "../../shell/root.tsx";
import { STEP_STATES, WORKFLOW_STATES } from "./states.ts";

/** The open step, and the filter of the table of steps. */
const detailSearch = search({ step: text(64), state: oneOf(STEP_STATES) });

const list = createRoute({
  getParentRoute: () => signedInRoute,
  path: "/workflows",
  validateSearch: search({ state: oneOf(WORKFLOW_STATES), name: text() }),
  component: lazyRouteComponent(() => import("./workflows-page.tsx"), "WorkflowsPage"),
});

const create = createRoute({
  getParentRoute: () => signedInRoute,
  path: "/workflows/new",
  component: lazyRouteComponent(() => import("./new-workflow-page.tsx"), "NewWorkflowPage"),
});

const one = createRoute({
  getParentRoute: () => signedInRoute,
  path: "/workflows/$workflowId",
  validateSearch: detailSearch,
  component: lazyRouteComponent(() => import("./workflow-page.tsx"), "OwnWorkflowPage"),
});

const anyOne = createRoute({
  getParentRoute: () => operatorRoute,
  path: "/admin/workflows/$workflowId",
  validateSearch: detailSearch,
  component: lazyRouteComponent(() => import("./workflow-page.tsx"), "AnyWorkflowPage"),
});

export const workflowRoutes = [list, create, one] as const;
export const workflowAdminRoutes = [anyOne] as const;
