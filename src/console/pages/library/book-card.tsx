import "./library.css";
import { ActionIcon, Menu, Stack, Text } from "@mantine/core";
import { IconBook2, IconDots, IconPencil, IconTrash } from "@tabler/icons-react";
import type { Schemas } from "../../../client/operations.ts";
import { LinkTo } from "../../parts/link.tsx";
import { words as common } from "../../words/common.ts";
import { libraryWords as words } from "../../words/library.ts";
import { sameSite } from "./pictures.ts";

interface BookCardProps {
  readonly book: Schemas["Book"];
  readonly onEdit: () => void;
  readonly onDelete: () => void;
}

export function BookCard({ book, onEdit, onDelete }: BookCardProps) {
  const { id, title, author, description, thumbnail_url } = book;
  return (
    <article className="panel book">
      {thumbnail_url === null ? (
        <div className="book-picture">
          <IconBook2 size={40} stroke={1} aria-hidden color="var(--mantine-color-dimmed)" />
        </div>
      ) : (
        <img
          className="book-picture"
          src={sameSite(thumbnail_url)}
          alt={words.pictureOf(title)}
          loading="lazy"
        />
      )}
      <div className="book-menu">
        <Menu position="bottom-end">
          <Menu.Target>
            <ActionIcon variant="default" aria-label={words.actionsOf(title)}>
              <IconDots size={16} />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item leftSection={<IconPencil size={16} aria-hidden />} onClick={onEdit}>
              {common.edit}
            </Menu.Item>
            <Menu.Item color="red" leftSection={<IconTrash size={16} aria-hidden />} onClick={onDelete}>
              {common.delete}
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      </div>
      <Stack gap={2} p="sm">
        <LinkTo
          from="/library"
          to="/library"
          search={({ add: _, ...rest }) => ({ ...rest, edit: id })}
          c="inherit"
          size="sm"
          fw={600}
          underline="never"
          lineClamp={2}
          title={title}
        >
          {title}
        </LinkTo>
        <Text size="sm" c="dimmed" lineClamp={1} title={author}>
          {author}
        </Text>
        {description && (
          <Text size="xs" c="dimmed" lineClamp={2} title={description} mt={4}>
            {description}
          </Text>
        )}
      </Stack>
    </article>
  );
}
