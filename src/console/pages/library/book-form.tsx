import { Button, Group, Stack, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";
import type { Schemas } from "../../../client/operations.ts";
import { client } from "../../api/client.ts";
import { invalidate } from "../../api/queries.ts";
import { fieldError, showDone } from "../../parts/feedback.tsx";
import { FormFailure, useForm } from "../../parts/form.tsx";
import { words as common } from "../../words/common.ts";
import { libraryWords as words } from "../../words/library.ts";
import { PictureField } from "./picture-field.tsx";
import { sameSite } from "./pictures.ts";

type Book = Schemas["Book"];

interface BookFormProps {
  /** null: a new one */
  readonly book: Book | null;
  readonly onClose: () => void;
}

const FIELDS = ["title", "author", "description"] as const;

export function BookForm({ book, onClose }: BookFormProps) {
  const [values, setValues] = useState({
    title: book?.title ?? "",
    author: book?.author ?? "",
    description: book?.description ?? "",
  });
  const [picture, setPicture] = useState<File | null | undefined>();
  const form = useForm(async () => {
    const body = new FormData();
    for (const name of FIELDS) if (values[name] !== (book?.[name] ?? "")) body.append(name, values[name]);
    if (picture !== undefined && (picture || book)) body.append("picture", picture ?? "");
    // A form without fields is not a form.
    if (book && [...body.keys()].length === 0) return;
    const saved = (await (book
      ? client.call("patch", "/api/v1/books/{id}", { path: { id: book.id }, body })
      : client.call("post", "/api/v1/books", { body }))) as Book;
    showDone((book ? words.saved : words.added)(saved.title));
    void invalidate("/api/v1/books");
  }, onClose);
  const field = (name: (typeof FIELDS)[number]) => ({
    value: values[name],
    error: fieldError(form.error, name),
    onChange: ({ currentTarget }: { currentTarget: { value: string } }) =>
      setValues({ ...values, [name]: currentTarget.value }),
  });
  const current = book?.thumbnail_url
    ? { url: sameSite(book.thumbnail_url), alt: words.pictureOf(book.title) }
    : null;
  return (
    <form onSubmit={form.onSubmit} noValidate>
      <Stack>
        <FormFailure error={form.error} fields={[...FIELDS, "picture"]} />
        <TextInput label={words.bookTitle} required withAsterisk={false} data-autofocus {...field("title")} />
        <TextInput label={words.author} required withAsterisk={false} {...field("author")} />
        <Textarea label={words.bookDescription} autosize minRows={3} maxRows={10} {...field("description")} />
        <PictureField
          value={picture}
          onChange={setPicture}
          current={current}
          error={fieldError(form.error, "picture")}
        />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            {common.cancel}
          </Button>
          <Button type="submit" loading={form.isRunning}>
            {book ? common.save : words.add}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
