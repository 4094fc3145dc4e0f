/** The user of this browser. */
import { useSuspenseQuery } from "@tanstack/react-query";
import { client, isStatus } from "./client.ts";
import { apiQuery, queryClient } from "./queries.ts";

type Role = "user" | "operator" | "admin";

/** Shared with the routes, which load it before a page. */
export const currentUser = apiQuery("/api/v1/auth/me");

/** For pages behind the sign-in, whose route has loaded the user. */
export function useCurrentUser() {
  return useSuspenseQuery({ ...currentUser, staleTime: 60_000 }).data;
}

export function isOperator({ role }: { readonly role: Role }): boolean {
  return role !== "user";
}

export function isAdmin({ role }: { readonly role: Role }): boolean {
  return role === "admin";
}

export async function signIn(username: string, password: string): Promise<void> {
  await client.call("post", "/api/v1/auth/browser/login", { body: { username, password } });
}

export async function signUp(account: { username: string; password: string; email?: string }): Promise<void> {
  await client.call("post", "/api/v1/auth/browser/signup", { body: account });
}

/** Forgets everything that was read for the user. @throws RowmillError if the session may go on, for example without a network */
export async function signOut(): Promise<void> {
  await client.call("post", "/api/v1/auth/logout").catch((error: unknown) => {
    // The session has ended already.
    if (!isStatus(error, 401)) throw error;
  });
  queryClient.clear();
}
