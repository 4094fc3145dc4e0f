import { Group, Kbd, Stack, Switch, Table } from "@mantine/core";
import { Dialog } from "../parts/dialog.tsx";
import { useSingleKeys } from "../parts/preferences.ts";
import { shortcutWords as words } from "../words/common.ts";
import "@mantine/core/styles/Switch.layer.css";
import type { Destination } from "./navigation.ts";

const KEYS: readonly (readonly [keys: readonly string[], text: string])[] = [
  [["/"], words.keys.search],
  [["j"], words.keys.down],
  [["k"], words.keys.up],
  [["x"], words.keys.select],
  [["Enter"], words.keys.openRow],
  [["Esc"], words.keys.escape],
  [["Ctrl", "K"], words.keys.palette],
  [["?"], words.keys.help],
];

export function ShortcutSheet({
  destinations,
  onClose,
}: {
  readonly destinations: readonly Destination[];
  readonly onClose: () => void;
}) {
  const [areEnabled, enable] = useSingleKeys();
  const pages = destinations.flatMap(({ key, name }) => (key ? [[["g", key], name] as const] : []));
  return (
    <Dialog onClose={onClose} title={words.title} size="lg">
      <Stack>
        <Switch
          checked={areEnabled}
          onChange={({ currentTarget }) => enable(currentTarget.checked)}
          label={words.enabled}
          description={words.enabledHint}
        />
        <Group align="flex-start" grow>
          {[KEYS, pages].map((list) => (
            <Table key={list[0]?.[1]}>
              <Table.Tbody>
                {list.map(([keys, text]) => (
                  <Table.Tr key={text}>
                    <Table.Td w={96}>
                      <Group gap={4} wrap="nowrap">
                        {keys.map((key) => (
                          <Kbd key={key} size="xs">
                            {key}
                          </Kbd>
                        ))}
                      </Group>
                    </Table.Td>
                    <Table.Td>{text}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          ))}
        </Group>
      </Stack>
    </Dialog>
  );
}
