import { signUp } from "../../src/accounts/sign-up.ts";
import type { Role } from "../../src/schema/accounts.ts";
import { Client } from "./client.ts";
import type { Programs, ServedApi } from "./processes.ts";
import type { Rowmill } from "./rowmill.ts";

/** A client of a new administrator; accounts of that kind are made by the command line only. */
export async function newAdmin(
  {
    ctx,
    app,
    url,
    client,
  }: Pick<Rowmill, "ctx" | "url" | "client"> & { app: ConstructorParameters<typeof Client>[1] },
  username = "root",
  role: Role = "admin",
): Promise<Client> {
  const credentials = { username, password: "correct horse" };
  await signUp(ctx, { ...credentials, email: "", role, passwordMinLength: 8 });
  const { status, body } = await client.post<{ access: string; refresh: string; user: { id: number } }>(
    "/api/v1/auth/login",
    credentials,
  );
  if (status !== 200) throw new Error(`login answered ${status}: ${JSON.stringify(body)}`);
  return new Client(url, app, body);
}

/** The same for an API of `startPrograms()`. */
export async function adminOf({ ctx }: Programs, { url, client }: ServedApi): Promise<Client> {
  const document: unknown = await (await fetch(`${url}/openapi.json`)).json();
  const app = { swagger: (): never => document as never };
  return newAdmin({ ctx, url, client, app });
}
