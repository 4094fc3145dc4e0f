/** All pages of the console. Each is loaded when it is opened. */
import { createRouter } from "@tanstack/react-router";
import { queryClient } from "../api/queries.ts";
import { accountRoutes } from "../pages/account/routes.ts";
import { adminRoutes } from "../pages/admin/routes.ts";
import { batchRoutes } from "../pages/batches/routes.ts";
import { fileRoutes } from "../pages/files/routes.ts";
import { homeRoutes } from "../pages/home/routes.ts";
import { importRoutes } from "../pages/imports/routes.ts";
import { inboxRoutes } from "../pages/inbox/routes.ts";
import { libraryRoutes } from "../pages/library/routes.ts";
import { recordRoutes } from "../pages/records/routes.ts";
import { scheduleAdminRoutes, scheduleRoutes } from "../pages/schedules/routes.ts";
import { sessionRoutes } from "../pages/session/routes.ts";
import { taskAdminRoutes, taskRoutes } from "../pages/tasks/routes.ts";
import { webhookRoutes } from "../pages/webhooks/routes.ts";
import { workflowAdminRoutes, workflowRoutes } from "../pages/workflows/routes.ts";
import { Loading, NotFound } from "../parts/feedback.tsx";
import { PageFailure } from "../shell/page-failure.tsx";
import { operatorRoute, rootRoute, signedInRoute } from "../shell/root.tsx";

const routeTree = rootRoute.addChildren([
  ...sessionRoutes,
  signedInRoute.addChildren([
    ...homeRoutes,
    ...importRoutes,
    ...batchRoutes,
    ...recordRoutes,
    ...accountRoutes,
    ...libraryRoutes,
    ...fileRoutes,
    ...inboxRoutes,
    ...webhookRoutes,
    ...taskRoutes,
    ...workflowRoutes,
    ...scheduleRoutes,
    operatorRoute.addChildren([
      ...adminRoutes,
      ...taskAdminRoutes,
      ...workflowAdminRoutes,
      ...scheduleAdminRoutes,
    ]),
  ]),
]);

export const router = createRouter({
  routeTree,
  context: { queryClient },
  // Loading a page of the console takes a few milliseconds, and its data is cached.
  defaultPreload: "intent",
  defaultPreloadStaleTime: 0,
  defaultPendingComponent: Loading,
  defaultNotFoundComponent: NotFound,
  defaultErrorComponent: PageFailure,
  scrollRestoration: true,
  // Another id is another page: forms, dialogs and selections of one item must not show up on the next.
  defaultRemountDeps: ({ params }) => params,
  // Values that no page knows leave the URL.
  search: { strict: true },
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
