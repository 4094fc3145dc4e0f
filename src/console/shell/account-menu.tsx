import { ActionIcon, Menu, SegmentedControl, Stack, Text, useMantineColorScheme } from "@mantine/core";
import { IconKeyboard, IconLogout, IconSettings, IconUserCircle } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { signOut } from "../api/session.ts";
import { showFailure } from "../parts/feedback.tsx";
import type { Zone } from "../parts/format.ts";
import { useZone } from "../parts/preferences.ts";
import { shortcutWords, words } from "../words/common.ts";

interface AccountMenuProps {
  readonly user: { readonly username: string; readonly role: string };
  readonly onShortcuts: () => void;
}

export function AccountMenu({ user, onShortcuts }: AccountMenuProps) {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const [zone, setZone] = useZone();
  return (
    <Menu position="bottom-end" width={260}>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label={words.signedInAs(user.username)}>
          <IconUserCircle size={20} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          <Text size="sm" truncate c="var(--mantine-color-text)" fw={600}>
            {user.username}
          </Text>
          <Text size="xs">{user.role}</Text>
        </Menu.Label>
        <Menu.Item component={Link} to="/account" leftSection={<IconSettings size={16} aria-hidden />}>
          {words.account}
        </Menu.Item>
        <Menu.Item leftSection={<IconKeyboard size={16} aria-hidden />} onClick={onShortcuts}>
          {shortcutWords.title}
        </Menu.Item>
        <Menu.Divider />
        <Stack gap={6} px="sm" py={6}>
          <SegmentedControl
            size="xs"
            fullWidth
            aria-label={words.colorScheme}
            value={colorScheme}
            onChange={(value) => setColorScheme(value as typeof colorScheme)}
            data={(["auto", "light", "dark"] as const).map((value) => ({
              value,
              label: words.schemes[value],
            }))}
          />
          <SegmentedControl
            size="xs"
            fullWidth
            aria-label={words.timeZone}
            value={zone}
            onChange={(value) => setZone(value as Zone)}
            data={(["local", "utc"] as const).map((value) => ({ value, label: words.zones[value] }))}
          />
        </Stack>
        <Menu.Divider />
        <Menu.Item
          leftSection={<IconLogout size={16} aria-hidden />}
          onClick={() => void signOut().then(() => location.assign("/sign-in"), showFailure)}
        >
          {words.signOut}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
