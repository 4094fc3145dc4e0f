import { DomainError } from "../../errors.ts";
import { postgresError } from "../../platform/postgres/database.ts";
import { SQLSTATE } from "../../platform/sqlstates.ts";

/** @throws DomainError `conflict` if the user has another schedule with this name */
export async function refuseSameName<T>(name: string | undefined, change: () => Promise<T>): Promise<T> {
  try {
    return await change();
  } catch (error) {
    if (postgresError(error)?.code !== SQLSTATE.uniqueViolation) throw error;
    const message = `You have a schedule with the name "${name}". Choose another name, or change that schedule.`;
    throw new DomainError("conflict", message, { cause: error });
  }
}
