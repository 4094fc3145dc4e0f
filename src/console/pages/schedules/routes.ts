import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { operatorRoute, signedInRoute } from "../../shell/root.tsx";

const list = createRoute({
  getParentRoute: () => signedInRoute,
  path: "/schedules",
  component: lazyRouteComponent(() => import("./schedules-page.tsx"), "SchedulesPage"),
});

const create = createRoute({
  getParentRoute: () => signedInRoute,
  path: "/schedules/new",
  component: lazyRouteComponent(() => import("./edit-page.tsx"), "NewSchedulePage"),
});

const one = createRoute({
  getParentRoute: () => signedInRoute,
  path: "/schedules/$scheduleId",
  component: lazyRouteComponent(() => import("./schedule-page.tsx"), "OwnSchedulePage"),
});

const edit = createRoute({
  getParentRoute: () => signedInRoute,
  path: "/schedules/$scheduleId/edit",
  component: lazyRouteComponent(() => import("./edit-page.tsx"), "EditSchedulePage"),
});

const anyOne = createRoute({
  getParentRoute: () => operatorRoute,
  path: "/admin/schedules/$scheduleId",
  component: lazyRouteComponent(() => import("./schedule-page.tsx"), "AnySchedulePage"),
});

export const scheduleRoutes = [list, create, one, edit] as const;
export const scheduleAdminRoutes = [anyOne] as const;
