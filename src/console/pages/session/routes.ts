import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { search, text } from "../../api/search.ts";
import { rootRoute } from "../../shell/root.tsx";

const signIn = createRoute({
  getParentRoute: () => rootRoute,
  path: "/sign-in",
  validateSearch: search({ next: text(2000) }),
  component: lazyRouteComponent(() => import("./sign-in-page.tsx"), "SignInPage"),
});

const signUp = createRoute({
  getParentRoute: () => rootRoute,
  path: "/sign-up",
  validateSearch: search({ next: text(2000) }),
  component: lazyRouteComponent(() => import("./sign-up-page.tsx"), "SignUpPage"),
});

const forgotPassword = createRoute({
  getParentRoute: () => rootRoute,
  path: "/forgot-password",
  component: lazyRouteComponent(() => import("./forgot-password-page.tsx"), "ForgotPasswordPage"),
});

export const sessionRoutes = [signIn, signUp, forgotPassword] as const;
