/** Reads of the API, kept in a cache under their path and parameters. */
import {
  infiniteQueryOptions,
  type Query,
  QueryClient,
  type QueryFilters,
  type QueryKey,
  queryOptions,
  type UseQueryOptions,
  useInfiniteQuery,
  useQuery,
} from "@tanstack/react-query";
import { useMemo } from "react";
import type { AnyRequest } from "../../client/index.ts";
import type { AnswerOf, ItemOf, JsonPath, ListPath, OperationOf, Rest } from "../../client/operations.ts";
import { client } from "./client.ts";

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 2000,
      // The client repeats requests that failed for now.
      retry: false,
      refetchOnWindowFocus: true,
    },
  },
});

type Answer<P extends JsonPath> = AnswerOf<OperationOf<"get", P>>;
type Item<P extends ListPath> = ItemOf<OperationOf<"get", P>>;
export type RequestOf<P extends JsonPath> = Rest<OperationOf<"get", P>>;

/** Options of `useQuery` for one answer of the API. */
export function apiQuery<P extends JsonPath>(path: P, ...rest: RequestOf<P>) {
  const [request = {}] = rest as [AnyRequest?];
  return queryOptions({
    queryKey: [path, request] as const,
    queryFn: ({ signal }): Promise<Answer<P>> =>
      client.call("get", path, { ...request, signal }) as Promise<Answer<P>>,
  });
}

interface PageOf<T> {
  readonly items: T[];
  readonly next_cursor: string | null;
  /** The time of the item at which a search stopped before the page was full. */
  readonly searched_to?: string;
}

/** The pages of the API that a search reads before it waits for the user: ten times 10,000 items. */
const MAX_SEARCHED_PAGES = 10;

/** The matches with which a search waits for the user, as other lists do. */
const ENOUGH_ITEMS = 100;

/** Options of `useInfiniteQuery` for a list of the API, page by page. */
function apiList<P extends ListPath & JsonPath>(path: P, ...rest: RequestOf<P>) {
  const [request = {}] = rest as [AnyRequest?];
  return infiniteQueryOptions({
    queryKey: [path, request, "pages"] as const,
    initialPageParam: null as string | null,
    queryFn: async ({ pageParam, signal }): Promise<PageOf<Item<P>>> => {
      const read = async (cursor: string | null) => {
        const query = { ...request.query, ...(cursor ? { cursor } : {}) };
        return (await client.call("get", path, { ...request, query, signal })) as PageOf<Item<P>>;
      };
      let page = await read(pageParam);
      // One page, because the first pages are dropped after `maxPages`, with the matches that they have.
      for (
        let count = 1;
        count < MAX_SEARCHED_PAGES && page.searched_to !== undefined && page.items.length < ENOUGH_ITEMS;
        count++
      ) {
        const { items } = page;
        const next = await read(page.next_cursor);
        page = { ...next, items: [...items, ...next.items] };
      }
      return page;
    },
    getNextPageParam: ({ next_cursor }) => next_cursor,
    // A list that is read further than this starts again at its end. Each page has up to 100 items.
    maxPages: 20,
  });
}

export interface List<T> {
  readonly items: readonly T[];
  readonly isLoading: boolean;
  readonly error: unknown;
  readonly hasMore: boolean;
  /** How far a search has looked without filling its page; null: it has not stopped. */
  readonly searchedTo: string | null;
  readonly isLoadingMore: boolean;
  readonly loadMore: () => void;
  readonly refetch: () => void;
  /** The time of the last answer, in milliseconds. */
  readonly updatedAt: number;
}

export function useApiList<P extends ListPath & JsonPath>(path: P, ...rest: RequestOf<P>): List<Item<P>> {
  const found = useInfiniteQuery(apiList(path, ...rest));
  const pages = found.data?.pages;
  const items = useMemo(() => pages?.flatMap((page) => page.items) ?? [], [pages]);
  return {
    items,
    isLoading: found.isPending,
    error: found.error,
    hasMore: found.hasNextPage,
    searchedTo: pages?.at(-1)?.searched_to ?? null,
    isLoadingMore: found.isFetchingNextPage,
    // Does not start again if it is called while it reads: the key `j` repeats.
    loadMore: () => void found.fetchNextPage({ cancelRefetch: false }),
    refetch: () => void found.refetch(),
    updatedAt: found.dataUpdatedAt,
  };
}

/** A short list that the API returns at once, such as the queues. */
export function useItems<T, K extends QueryKey>(
  options: UseQueryOptions<{ readonly items: T[] }, Error, { readonly items: T[] }, K>,
): List<T> {
  const found = useQuery(options);
  return {
    items: found.data?.items ?? [],
    isLoading: found.isPending,
    error: found.error,
    hasMore: false,
    searchedTo: null,
    isLoadingMore: false,
    loadMore: () => undefined,
    refetch: () => void found.refetch(),
    updatedAt: found.dataUpdatedAt,
  };
}

/** Reads everything again whose path begins so, such as `/api/v1/batches`. With an id: only lists, and what belongs to it. */
export function invalidate(prefix: string, id?: string): Promise<void> {
  return invalidateAll([{ prefix, id }]);
}

interface Changed {
  readonly prefix: string;
  readonly id?: string | undefined;
}

/**
 * The same for several: a list that shows many of them is read once. A first read that is under way ends first, because it
 * may have missed the changes.
 * @param isByOthers whether other reads that are under way end first too. Such changes can come faster than answers, and
 *   would cancel each read before it has ended.
 */
export function invalidateAll(changes: readonly Changed[], isByOthers = false): Promise<void> {
  const predicate = ({ queryKey }: Query) => changes.some(({ prefix, id }) => isAbout(queryKey, prefix, id));
  return readAgain({ predicate }, isByOthers);
}

/** Reads the lists and items on the page again, except static ones. */
export function refreshPage(): Promise<void> {
  return readAgain({ type: "active" }, true);
}

async function readAgain(which: QueryFilters, isByOthers: boolean): Promise<void> {
  await Promise.all(
    queryClient
      .getQueryCache()
      .findAll(which)
      .map(async ({ queryKey, state, promise }) => {
        if (state.fetchStatus === "fetching" && (isByOthers || state.data === undefined))
          await promise?.catch(() => undefined);
        await queryClient.invalidateQueries({ queryKey, exact: true }, { cancelRefetch: !isByOthers });
      }),
  );
}

function isAbout([path, request]: QueryKey, prefix: string, id: string | undefined): boolean {
  if (typeof path !== "string" || !(path === prefix || path.startsWith(`${prefix}/`))) return false;
  const values = Object.values((request as AnyRequest | undefined)?.path ?? {});
  return id === undefined || values.length === 0 || values.includes(id);
}
