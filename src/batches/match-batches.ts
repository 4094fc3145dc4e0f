import { and, eq, gte, ilike, inArray, lt, or, type SQL } from "drizzle-orm";
import { uuidV7 } from "../platform/ids.ts";
import { type BatchState, batches } from "../schema/batches.ts";

export interface BatchFilter {
  readonly states?: readonly BatchState[];
  readonly target?: string;
  /** A part of the name of the file, or a whole id or number. */
  readonly search?: string;
  readonly from?: Date;
  readonly before?: Date;
  readonly userId?: number;
  readonly batchId?: string;
}

/** Ids begin with the time of an API process, which may differ a little from that of the database. */
const CLOCKS_MS = 600_000;

export function matches({
  states,
  target,
  search,
  from,
  before,
  userId,
  batchId,
}: BatchFilter): SQL | undefined {
  return and(
    states && inArray(batches.state, [...states]),
    target === undefined ? undefined : eq(batches.target, target),
    search ? isFound(search) : undefined,
    from && and(gte(batches.createdAt, from), gte(batches.id, firstIdAt(from.getTime() - CLOCKS_MS))),
    before && and(lt(batches.createdAt, before), lt(batches.id, firstIdAt(before.getTime() + CLOCKS_MS))),
    userId === undefined ? undefined : eq(batches.userId, userId),
    batchId === undefined ? undefined : eq(batches.id, batchId),
  );
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function isFound(search: string): SQL | undefined {
  if (UUID.test(search)) return eq(batches.id, search);
  const isNamed = ilike(batches.filename, `%${search.replace(/[\\%_]/g, "\\$&")}%`);
  return /^\d{1,15}$/.test(search) ? or(isNamed, eq(batches.number, Number(search))) : isNamed;
}

/** No batch of this time or later has a lower id, so that the index of ids finds the batches of a time. */
function firstIdAt(ms: number): string {
  return `${uuidV7(new Date(Math.max(0, ms))).slice(0, 13)}-0000-0000-000000000000`;
}
