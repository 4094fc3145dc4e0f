import { Button, Center, NativeSelect, SimpleGrid, Text } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import type { Schemas } from "../../../client/operations.ts";
import { client } from "../../api/client.ts";
import { apiQuery, invalidate, type List, useApiList } from "../../api/queries.ts";
import { Confirm } from "../../parts/confirm.tsx";
import { Empty, Failure, Loading, showDone } from "../../parts/feedback.tsx";
import { formatCount } from "../../parts/format.ts";
import { KeepSearching } from "../../parts/keep-searching.tsx";
import { Page } from "../../parts/page.tsx";
import { SidePanel } from "../../parts/side-panel.tsx";
import { SearchField, Toolbar } from "../../parts/toolbar.tsx";
import { words as common, navigationWords } from "../../words/common.ts";
import { libraryWords as words } from "../../words/library.ts";
import { BookCard } from "./book-card.tsx";
import { BookForm } from "./book-form.tsx";

type Book = Schemas["Book"];

const route = getRouteApi("/signed-in/library");
const SORTS = ["-id", "id", "title", "author"] as const;

export function LibraryPage() {
  const { search, sort, add, edit } = route.useSearch();
  const navigate = route.useNavigate();
  const list = useApiList("/api/v1/books", {
    query: { sort: sort ?? "-id", limit: 48, ...(search ? { search } : {}) },
  });
  const [deleted, setDeleted] = useState<Book | null>(null);
  const show = (chosen: { add?: true; edit?: number }) =>
    void navigate({ search: ({ add: _, edit: __, ...rest }) => ({ ...rest, ...chosen }) });
  const addButton = (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => show({ add: true })}>
      {words.add}
    </Button>
  );
  return (
    <Page title={words.title} description={words.description} actions={addButton}>
      <Toolbar
        updatedAt={list.updatedAt}
        onRefresh={list.refetch}
        onClear={search || sort ? () => void navigate({ search: {} }) : undefined}
      >
        <SearchField
          label={words.search}
          value={search ?? ""}
          onChange={(value) =>
            void navigate({
              search: ({ search: _, ...rest }) => (value ? { ...rest, search: value } : rest),
              replace: true,
            })
          }
        />
        <NativeSelect
          size="xs"
          aria-label={words.sort}
          value={sort ?? "-id"}
          onChange={({ currentTarget }) => {
            const chosen = SORTS.find((known) => known === currentTarget.value) ?? "-id";
            void navigate({
              search: ({ sort: _, ...rest }) => (chosen === "-id" ? rest : { ...rest, sort: chosen }),
            });
          }}
          data={SORTS.map((value) => ({ value, label: words.sorts[value] }))}
        />
      </Toolbar>
      <Books
        list={list}
        isFiltered={search !== undefined}
        onEdit={(id) => show({ edit: id })}
        onDelete={setDeleted}
        addButton={addButton}
      />
      {add && (
        <SidePanel title={words.add} onClose={() => show({})} isForm>
          <BookForm book={null} onClose={() => show({})} />
        </SidePanel>
      )}
      {edit !== undefined && <EditedBook key={edit} id={edit} onClose={() => show({})} />}
      {deleted && (
        <Confirm
          isOpen
          onClose={() => setDeleted(null)}
          title={words.deleteTitle(deleted.title)}
          action={common.delete}
          isDangerous
          run={async () => {
            await client.delete("/api/v1/books/{id}", { path: { id: deleted.id } });
            showDone(words.deleted(deleted.title));
            await invalidate("/api/v1/books");
          }}
        >
          {words.deleteHint}
        </Confirm>
      )}
    </Page>
  );
}

interface BooksProps {
  readonly list: List<Book>;
  readonly isFiltered: boolean;
  readonly onEdit: (id: number) => void;
  readonly onDelete: (book: Book) => void;
  readonly addButton: ReactNode;
}

function Books({ list, isFiltered, onEdit, onDelete, addButton }: BooksProps) {
  if (list.isLoading) return <Loading />;
  if (list.error && list.items.length === 0) return <Failure error={list.error} onRetry={list.refetch} />;
  if (list.items.length === 0) {
    if (list.hasMore) return <KeepSearching list={list} />;
    if (isFiltered) return <Empty title={words.notFound} hint={words.notFoundHint} />;
    return (
      <Empty
        title={words.empty}
        hint={words.emptyHint}
        action={
          <>
            {addButton}{" "}
            <Button component={Link} to="/import" variant="light">
              {navigationWords.import}
            </Button>
          </>
        }
      />
    );
  }
  return (
    <>
      <SimpleGrid
        component="section"
        aria-label={words.list}
        cols={{ base: 2, sm: 3, md: 4, lg: 5 }}
        spacing="md"
      >
        {list.items.map((book) => (
          <BookCard
            key={book.id}
            book={book}
            onEdit={() => onEdit(book.id)}
            onDelete={() => onDelete(book)}
          />
        ))}
      </SimpleGrid>
      <Center>
        {list.searchedTo !== null ? (
          <KeepSearching list={list} />
        ) : list.hasMore ? (
          <Button variant="default" size="xs" loading={list.isLoadingMore} onClick={list.loadMore}>
            {common.more}
          </Button>
        ) : (
          <Text size="xs" c="dimmed">
            {common.loaded(formatCount(list.items.length))}
          </Text>
        )}
      </Center>
    </>
  );
}

function EditedBook({ id, onClose }: { readonly id: number; readonly onClose: () => void }) {
  // The form keeps what was typed, so the book is read once.
  const { data, error } = useQuery({
    ...apiQuery("/api/v1/books/{id}", { path: { id } }),
    staleTime: "static",
    gcTime: 0,
  });
  return (
    <SidePanel title={data ? words.editNamed(data.title) : words.edit} onClose={onClose} isForm>
      {error ? (
        <Failure error={error} />
      ) : data ? (
        <BookForm book={data} onClose={onClose} />
      ) : (
        <Loading lines={4} />
      )}
    </SidePanel>
  );
}
