import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { search, text } from "../../api/search.ts";
import { rootRoute } from "../../shell/root.tsx";

/** One file for all: visitors who go from one to another type at once, and the page before must not take it. */
const pages = () => import("./pages.ts");

const signIn = createRoute({
  getParentRoute: () => rootRoute,
  path: "/sign-in",
  validateSearch: search({ next: text(2000) }),
  component: lazyRouteComponent(pages, "SignInPage"),
});

const signUp = createRoute({
  getParentRoute: () => rootRoute,
  path: "/sign-up",
  validateSearch: search({ next: text(2000) }),
  component: lazyRouteComponent(pages, "SignUpPage"),
});

const forgotPassword = createRoute({
  getParentRoute: () => rootRoute,
  path: "/forgot-password",
  component: lazyRouteComponent(pages, "ForgotPasswordPage"),
});

export const sessionRoutes = [signIn, signUp, forgotPassword] as const;
