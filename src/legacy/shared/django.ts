/** Bodies, days and page numbers as clients of Django REST Framework send them. */
import type { FastifyInstance } from "fastify";
import Type from "typebox";
import { DomainError } from "../../errors.ts";
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

const DAY_MS = 86_400_000;

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
 * @throws DomainError `not_found` if the page is after the last one
 */
export function pageLinks(
  url: string,
  query: object,
  { page, pageSize }: PageNumbers,
  count: number,
): { next: string | null; previous: string | null } {
  if (page > 1 && (page - 1) * pageSize >= count) throw noSuchPage();
  const linkTo = (number: number) => {
    const search = new URLSearchParams(
      Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]),
    );
    search.delete("page");
    if (number > 1) search.set("page", String(number));
    return search.size > 0 ? `${url}?${search}` : url;
  };
  return {
    next: page * pageSize < count ? linkTo(page + 1) : null,
    previous: page > 1 ? linkTo(page - 1) : null,
  };
}

function noSuchPage(): DomainError {
  return new DomainError("not_found", "Invalid page.");
}
