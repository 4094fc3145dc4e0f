/** The routes that all others belong to. */

import type { QueryClient } from "@tanstack/react-query";
import {
  createRootRouteWithContext,
  createRoute,
  lazyRouteComponent,
  Outlet,
  redirect,
} from "@tanstack/react-router";
import { isStatus } from "../api/client.ts";
import { currentUser, isOperator } from "../api/session.ts";
import { NotFound } from "../parts/feedback.tsx";
import { PageFailure } from "./page-failure.tsx";

export const rootRoute = createRootRouteWithContext<{ queryClient: QueryClient }>()({
  component: Outlet,
  notFoundComponent: NotFound,
  errorComponent: PageFailure,
});

/** Pages behind the sign-in. */
export const signedInRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: "signed-in",
  // Not needed on the sign-in page.
  component: lazyRouteComponent(() => import("./frame.tsx"), "Frame"),
  beforeLoad: async ({ context, location }) => {
    try {
      return { user: await context.queryClient.ensureQueryData({ ...currentUser, staleTime: 60_000 }) };
    } catch (error) {
      if (!isStatus(error, 401)) throw error;
      throw redirect({ to: "/sign-in", search: location.href === "/" ? {} : { next: location.href } });
    }
  },
});

/** Pages of operators and admins. For others they do not exist. */
export const operatorRoute = createRoute({
  getParentRoute: () => signedInRoute,
  id: "operator",
  component: Outlet,
  beforeLoad: ({ context }) => {
    if (!isOperator(context.user)) throw redirect({ to: "/" });
  },
});
