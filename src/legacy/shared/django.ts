/** Bodies, days and page numbers as clients of Django REST Framework send them. */
import type { FastifyInstance } from "fastify";
import Type from "typebox";
import { DomainError } from "../../errors.ts";
import { DAY_MS } from "../../platform/durations.ts";
import { userRoutes } from "../../platform/http/user-routes.ts";
import { FROM_YEAR_1, speakAsDjango } from "./django-errors.ts";

export const URLENCODED = "application/x-www-form-urlencoded";

/** Also accepts urlencoded forms, as Django does. */
export function takeBodiesAsDjango(app: FastifyInstance): void {
  app.addContentTypeParser<string>(URLENCODED, { parseAs: "string" }, (_request, body, done) =>
    done(null, Object.fromEntries(new URLSearchParams(body))),
  );
}

/** Registers legacy routes for users, with the bodies and the error texts of Django. */
export function djangoRoutes(
  ctx: Parameters<typeof userRoutes>[0],
  define: Parameters<typeof userRoutes>[2],
): ReturnType<typeof userRoutes> {
  return userRoutes(ctx, { tags: ["legacy"] }, (app, shared) => {
    takeBodiesAsDjango(app);
    speakAsDjango(app);
    define(app, shared);
  });
}

export const Day = (description: string) =>
  Type.Optional(Type.String({ format: "date", pattern: FROM_YEAR_1, description, examples: ["2024-01-01"] }));

/** Returns the time from the beginning of the first day to the end of the last day, in UTC. */
export function betweenDays(first?: string, last?: string): { from?: Date; before?: Date } {
  return {
    ...(first === undefined ? {} : { from: new Date(first) }),
    // The next day would need a year of five digits.
    ...(last === undefined || last === "9999-12-31" ? {} : { before: new Date(Date.parse(last) + DAY_MS) }),
  };
}

const PAGE_SIZE = 20;
const MAX_PAGE_SIZE = 1000;

export const PageNumberQuery = {
  page: Type.Optional(
    Type.String({ description: "The page number, from 1. 404 if there is no such page.", examples: ["1"] }),
  ),
  page_size: Type.Optional(
    Type.Integer({
      minimum: 1,
      description: "The number of items per page. Absent: 20. Values above 1,000 mean 1,000.",
      examples: [20],
    }),
  ),
};

/** The last item of a long list at which a search, or an order that no index has, has stopped. */
export const BeforeId = Type.Optional(
  Type.Integer({
    minimum: 1,
    maximum: Number.MAX_SAFE_INTEGER,
    description: "Only tasks with a lower number. `next` contains it if older tasks have not been looked at.",
    examples: [48200],
  }),
);

/** Fields of lists that have not counted or looked at everything. */
export const boundFields = {
  is_lower_bound: Type.Optional(
    Type.Boolean({
      description:
        "Present, and true, only if there may be more tasks than `count`: it stops at 200,000 tasks per status, and if the list has " +
        "other filters, at the newest 10,000 tasks of each type, queue and status.",
    }),
  ),
  searched_to: Type.Optional(
    Type.String({
      format: "date-time",
      description:
        "Present only if older tasks have not been looked at: a search, and an order by title or change, look at the newest 10,000 " +
        "tasks, or 4 MiB of text. After the last page of these, `next` continues with older tasks. The value is the time when the last " +
        "task that was looked at was created.",
      examples: ["2026-11-25T09:30:00.000Z"],
    }),
  ),
};

interface Bound {
  readonly isLowerBound: boolean;
  readonly searchedTo?: { readonly createdAt: Date } | undefined;
}

export const viewBound = ({ isLowerBound, searchedTo }: Bound) => ({
  ...(isLowerBound && { is_lower_bound: true }),
  ...(searchedTo && { searched_to: searchedTo.createdAt.toISOString() }),
});

interface PageNumbers {
  readonly page: number;
  readonly pageSize: number;
}

/** @throws DomainError `not_found` if `page` is not a number from 1 */
export function pageNumbers(query: { page?: string; page_size?: number }): PageNumbers {
  const { page = "1", page_size = PAGE_SIZE } = query;
  if (!/^0*[1-9]\d{0,8}$/.test(page)) throw noSuchPage();
  return { page: Number(page), pageSize: Math.min(page_size, MAX_PAGE_SIZE) };
}

/**
 * Returns the URLs of the next and the previous page.
 * @param url the URL of the list, without a query
 * @param part absent or without `searchedTo`: all items of the list have been looked at. The pages after the last one are those of older items.
 * @throws DomainError `not_found` if the page is after the last one
 */
export function pageLinks(
  url: string,
  query: object,
  { page, pageSize }: PageNumbers,
  count: number,
  { searchedTo, beforeId }: Part = {},
): { next: string | null; previous: string | null } {
  if (page > 1 && (page - 1) * pageSize >= count) throw noSuchPage();
  const linkTo = (number: number, before: string | number | undefined = searchedTo && beforeId) => {
    const search = new URLSearchParams(
      Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]),
    );
    search.delete("page");
    if (before !== undefined) search.set("before_id", String(before));
    if (number > 1) search.set("page", String(number));
    return search.size > 0 ? `${url}?${search}` : url;
  };
  const afterLast = searchedTo ? linkTo(1, searchedTo.key) : null;
  return {
    next: page * pageSize < count ? linkTo(page + 1) : afterLast,
    previous: page > 1 ? linkTo(page - 1) : null,
  };
}

/** The part of a long list that was looked at. */
interface Part {
  readonly searchedTo?: { readonly key: string | number } | undefined;
  /** The number after that of the newest item of the part. */
  readonly beforeId?: number | undefined;
}

function noSuchPage(): DomainError {
  return new DomainError("not_found", "Invalid page.");
}
