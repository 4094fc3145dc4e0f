import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { oneOf, search, text } from "../../api/search.ts";
import { operatorRoute, signedInRoute } from "../../shell/root.tsx";
import { TASK_STATUSES } from "./statuses.ts";

const list = createRoute({
  getParentRoute: () => signedInRoute,
  path: "/tasks",
  validateSearch: search({
    status: oneOf(TASK_STATUSES),
    type: text(100),
    q: text(),
    tag: text(50),
    workflow: text(36),
    group: text(36),
  }),
  component: lazyRouteComponent(() => import("./tasks-page.tsx"), "TasksPage"),
});

const create = createRoute({
  getParentRoute: () => signedInRoute,
  path: "/tasks/new",
  validateSearch: search({ type: text(100), from: text(36) }),
  component: lazyRouteComponent(() => import("./new-task-page.tsx"), "NewTaskPage"),
});

const one = createRoute({
  getParentRoute: () => signedInRoute,
  path: "/tasks/$taskId",
  component: lazyRouteComponent(() => import("./task-page.tsx"), "OwnTaskPage"),
});

const anyOne = createRoute({
  getParentRoute: () => operatorRoute,
  path: "/admin/tasks/$taskId",
  component: lazyRouteComponent(() => import("./task-page.tsx"), "AnyTaskPage"),
});

export const taskRoutes = [list, create, one] as const;
export const taskAdminRoutes = [anyOne] as const;
