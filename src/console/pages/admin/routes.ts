import { createRoute, lazyRouteComponent, Outlet, redirect } from "@tanstack/react-router";
import { search } from "../../api/search.ts";
import { isAdmin } from "../../api/session.ts";
import { operatorRoute } from "../../shell/root.tsx";
import * as shapes from "./shared/search-shapes.ts";

const overview = createRoute({
  getParentRoute: () => operatorRoute,
  path: "/admin",
  validateSearch: search(shapes.overviewShape),
  component: lazyRouteComponent(() => import("./overview/overview-page.tsx"), "OverviewPage"),
});

const queues = createRoute({
  getParentRoute: () => operatorRoute,
  path: "/admin/queues",
  component: lazyRouteComponent(() => import("./queues/queues-page.tsx"), "QueuesPage"),
});

const workers = createRoute({
  getParentRoute: () => operatorRoute,
  path: "/admin/workers",
  component: lazyRouteComponent(() => import("./workers/workers-page.tsx"), "WorkersPage"),
});

const batches = createRoute({
  getParentRoute: () => operatorRoute,
  path: "/admin/batches",
  validateSearch: search(shapes.batchShape),
  component: lazyRouteComponent(() => import("./work/batches-page.tsx"), "BatchesPage"),
});

const batch = createRoute({
  getParentRoute: () => operatorRoute,
  path: "/admin/batches/$batchId",
  component: lazyRouteComponent(() => import("./work/batch-page.tsx"), "BatchPage"),
});

const tasks = createRoute({
  getParentRoute: () => operatorRoute,
  path: "/admin/tasks",
  validateSearch: search(shapes.taskShape),
  component: lazyRouteComponent(() => import("./work/tasks-page.tsx"), "TasksPage"),
});

const workflows = createRoute({
  getParentRoute: () => operatorRoute,
  path: "/admin/workflows",
  validateSearch: search(shapes.workflowShape),
  component: lazyRouteComponent(() => import("./work/workflows-page.tsx"), "WorkflowsPage"),
});

const schedules = createRoute({
  getParentRoute: () => operatorRoute,
  path: "/admin/schedules",
  component: lazyRouteComponent(() => import("./work/schedules-page.tsx"), "SchedulesPage"),
});

const jobs = createRoute({
  getParentRoute: () => operatorRoute,
  path: "/admin/jobs",
  validateSearch: search(shapes.jobShape),
  component: lazyRouteComponent(() => import("./work/jobs-page.tsx"), "JobsPage"),
});

const reports = createRoute({
  getParentRoute: () => operatorRoute,
  path: "/admin/reports",
  validateSearch: search(shapes.reportShape),
  component: lazyRouteComponent(() => import("./service/reports-page.tsx"), "ReportsPage"),
});

const report = createRoute({
  getParentRoute: () => operatorRoute,
  path: "/admin/reports/$reportId",
  component: lazyRouteComponent(() => import("./service/report-page.tsx"), "ReportPage"),
});

const users = createRoute({
  getParentRoute: () => operatorRoute,
  path: "/admin/users",
  validateSearch: search(shapes.userShape),
  component: lazyRouteComponent(() => import("./service/users-page.tsx"), "UsersPage"),
});

/** Pages whose API answers only admins. */
const adminRoute = createRoute({
  getParentRoute: () => operatorRoute,
  // Not the path of another route.
  id: "for-admins",
  component: Outlet,
  beforeLoad: ({ context }) => {
    if (!isAdmin(context.user)) throw redirect({ to: "/admin" });
  },
});

const outbox = createRoute({
  getParentRoute: () => adminRoute,
  path: "/admin/outbox",
  validateSearch: search(shapes.outboxShape),
  component: lazyRouteComponent(() => import("./service/outbox-page.tsx"), "OutboxPage"),
});

const audit = createRoute({
  getParentRoute: () => adminRoute,
  path: "/admin/audit",
  validateSearch: search(shapes.auditShape),
  component: lazyRouteComponent(() => import("./service/audit-page.tsx"), "AuditPage"),
});

const backups = createRoute({
  getParentRoute: () => adminRoute,
  path: "/admin/backups",
  component: lazyRouteComponent(() => import("./service/backups-page.tsx"), "BackupsPage"),
});

const targets = createRoute({
  getParentRoute: () => adminRoute,
  path: "/admin/targets",
  component: lazyRouteComponent(() => import("./targets/targets-page.tsx"), "TargetsPage"),
});

const newTarget = createRoute({
  getParentRoute: () => adminRoute,
  path: "/admin/targets/new",
  component: lazyRouteComponent(() => import("./targets/new-page.tsx"), "NewTargetPage"),
});

/** Not `/admin/targets/$name`: a target may have the name `new`. */
const editTarget = createRoute({
  getParentRoute: () => adminRoute,
  path: "/admin/targets/$name/edit",
  validateSearch: search(shapes.targetShape),
  component: lazyRouteComponent(() => import("./targets/edit-page.tsx"), "EditTargetPage"),
});

const secrets = createRoute({
  getParentRoute: () => adminRoute,
  path: "/admin/secrets",
  component: lazyRouteComponent(() => import("./service/secrets-page.tsx"), "SecretsPage"),
});

export const adminRoutes = [
  overview,
  queues,
  workers,
  batches,
  batch,
  tasks,
  workflows,
  schedules,
  jobs,
  reports,
  report,
  users,
  adminRoute.addChildren([outbox, audit, backups, secrets, targets, newTarget, editTarget]),
] as const;
