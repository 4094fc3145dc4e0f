import { and, eq, inArray, or, type SQL } from "drizzle-orm";
import { containsText } from "../platform/postgres/contains-text.ts";
import { createdWithin } from "../platform/postgres/within-times.ts";
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

/** The condition that a filter states. */
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
    createdWithin(batches, from, before),
    userId === undefined ? undefined : eq(batches.userId, userId),
    batchId === undefined ? undefined : eq(batches.id, batchId),
  );
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const NUMBER = /^\d{1,15}$/;

/** Whether the filter is for words, which no index finds. A batch is found by its number at once, and by its id. */
export const hasWords = ({ search, batchId }: BatchFilter): boolean =>
  Boolean(search) && batchId === undefined && !UUID.test(search ?? "") && !NUMBER.test(search ?? "");

function isFound(search: string): SQL | undefined {
  if (UUID.test(search)) return eq(batches.id, search);
  const isNamed = containsText(batches.filename, search);
  return NUMBER.test(search) ? or(isNamed, eq(batches.number, Number(search))) : isNamed;
}
