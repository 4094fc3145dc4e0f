/** Continues a search that has looked at a part of a long list. */
import { Button, Center, Stack, Text } from "@mantine/core";
import type { List } from "../api/queries.ts";
import { words } from "../words/common.ts";
import { formatCount, formatMoment } from "./format.ts";

export function KeepSearching<T>({ list }: { readonly list: List<T> }) {
  return (
    <Center>
      <Stack align="center" gap="xs" py="md">
        <Text size="xs" c="dimmed" role="status">
          {list.items.length === 0 ? words.nothingYet : words.foundSoFar(formatCount(list.items.length))}{" "}
          {list.searchedTo !== null && words.searchedTo(formatMoment(new Date(list.searchedTo), "local"))}
        </Text>
        <Button variant="default" size="xs" loading={list.isLoadingMore} onClick={list.loadMore}>
          {words.keepSearching}
        </Button>
      </Stack>
    </Center>
  );
}
