/** The frame around every page behind the sign-in: navigation, header, banner. */
import {
  ActionIcon,
  Anchor,
  AppShell,
  Box,
  Burger,
  Divider,
  Group,
  Indicator,
  NavLink,
  ScrollArea,
  Text,
  Tooltip,
} from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconBell, IconSearch, IconUpload } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useLocation, useNavigate } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { onSessionEnd } from "../api/client.ts";
import { startLive } from "../api/live.ts";
import { apiQuery } from "../api/queries.ts";
import { useCurrentUser } from "../api/session.ts";
import { formatCount } from "../parts/format.ts";
import { useShortcuts } from "../parts/keyboard.ts";
import { navigationWords, shortcutWords, words } from "../words/common.ts";
import { ConnectionBanner, LiveDot } from "./connection.tsx";
import { API_REFERENCE, DESTINATIONS, type Destination, operatorDestinations } from "./navigation.ts";

// The first page does not need these.
const AccountMenu = lazy(async () => ({ default: (await import("./account-menu.tsx")).AccountMenu }));
const Palette = lazy(async () => ({ default: (await import("./palette.tsx")).Palette }));
const SessionEnded = lazy(async () => ({ default: (await import("./session-ended.tsx")).SessionEnded }));
const ShortcutSheet = lazy(async () => ({ default: (await import("./shortcut-sheet.tsx")).ShortcutSheet }));

export function Frame() {
  const user = useCurrentUser();
  const firstUserId = useRef(user.id);
  const [isNavigationOpen, navigation] = useDisclosure();
  const [overlay, setOverlay] = useState<"palette" | "shortcuts" | null>(null);
  const [hasEnded, setEnded] = useState(false);
  const { pathname } = useLocation();
  const navigate = useNavigate();
  const forOperators = operatorDestinations(user);
  const destinations = [...DESTINATIONS, ...forOperators];

  useEffect(startLive, []);
  useEffect(() => onSessionEnd(() => setEnded(true)), []);
  useEffect(() => {
    // Another tab has signed in as somebody else, who must not see what was read for the first user.
    if (user.id !== firstUserId.current) location.reload();
  }, [user.id]);
  // A new page closes the navigation of a phone.
  useEffect(navigation.close, [pathname]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "k") return;
      event.preventDefault();
      setOverlay("palette");
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  useShortcuts({
    "?": () => setOverlay("shortcuts"),
    ...Object.fromEntries(
      destinations.flatMap(({ key, to }) => (key ? [[`g ${key}`, () => void navigate({ to })]] : [])),
    ),
  });

  return (
    <AppShell
      header={{ height: 52 }}
      navbar={{ width: 224, breakpoint: "sm", collapsed: { mobile: !isNavigationOpen } }}
      padding={{ base: "sm", sm: "lg" }}
    >
      <a className="skip-link" href="#content">
        {words.skipToContent}
      </a>
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap" gap="xs">
          <Group gap="sm" wrap="nowrap">
            <Burger
              opened={isNavigationOpen}
              onClick={navigation.toggle}
              hiddenFrom="sm"
              size="sm"
              aria-label={words.openNavigation}
              aria-expanded={isNavigationOpen}
            />
            <Anchor component={Link} to="/" underline="never" c="inherit">
              <Group gap={8} wrap="nowrap">
                <img src="/icon.svg" alt="" width={24} height={24} />
                <Text fw={700} component="span">
                  {words.product}
                </Text>
              </Group>
            </Anchor>
          </Group>
          <Group gap={6} wrap="nowrap">
            <LiveDot />
            <Tooltip label={`${shortcutWords.palette} (Ctrl K)`}>
              <ActionIcon
                variant="subtle"
                color="gray"
                size="lg"
                aria-label={shortcutWords.palette}
                onClick={() => setOverlay("palette")}
              >
                <IconSearch size={18} />
              </ActionIcon>
            </Tooltip>
            <Tooltip label={navigationWords.import}>
              <ActionIcon
                component={Link}
                to="/import"
                variant="subtle"
                color="gray"
                size="lg"
                visibleFrom="xs"
                aria-label={navigationWords.import}
              >
                <IconUpload size={18} />
              </ActionIcon>
            </Tooltip>
            <Bell />
            <Suspense fallback={<Box w={34} />}>
              <AccountMenu user={user} onShortcuts={() => setOverlay("shortcuts")} />
            </Suspense>
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar aria-label={navigationWords.label}>
        <AppShell.Section grow component={ScrollArea} p="xs">
          <Destinations list={DESTINATIONS} pathname={pathname} />
          {forOperators.length > 0 && (
            <>
              <Divider my="xs" label={navigationWords.operate} labelPosition="left" />
              <Destinations list={forOperators} pathname={pathname} />
            </>
          )}
        </AppShell.Section>
        <AppShell.Section p="xs">
          <NavLink
            href={API_REFERENCE.href}
            label={words.apiReference}
            leftSection={<API_REFERENCE.icon size={16} aria-hidden />}
          />
        </AppShell.Section>
      </AppShell.Navbar>
      <AppShell.Main id="content">
        <ConnectionBanner />
        <Box pb="xl">
          <Outlet />
        </Box>
      </AppShell.Main>
      <Suspense>
        {hasEnded && <SessionEnded username={user.username} onClose={() => setEnded(false)} />}
        {overlay === "palette" && <Palette destinations={destinations} onClose={() => setOverlay(null)} />}
        {overlay === "shortcuts" && (
          <ShortcutSheet destinations={destinations} onClose={() => setOverlay(null)} />
        )}
      </Suspense>
    </AppShell>
  );
}

function Destinations({
  list,
  pathname,
}: {
  readonly list: readonly Destination[];
  readonly pathname: string;
}) {
  return list.map(({ to, name, icon: Icon }) => {
    const isCurrent = pathname === to || (to !== "/" && to !== "/admin" && pathname.startsWith(`${to}/`));
    return (
      <NavLink
        key={to}
        component={Link}
        to={to}
        label={name}
        active={isCurrent}
        // Without it, the link to /admin would be active on all pages below it.
        activeOptions={{ exact: true, includeSearch: false }}
        aria-current={isCurrent ? "page" : undefined}
        leftSection={<Icon size={16} aria-hidden />}
        py={6}
        style={{ borderRadius: "var(--mantine-radius-sm)" }}
      />
    );
  });
}

function Bell() {
  const { data } = useQuery({ ...apiQuery("/api/v1/notifications/unread-count"), refetchInterval: 60_000 });
  const unread = data?.unread ?? 0;
  const label = unread > 0 ? `${words.inbox}: ${words.unread(formatCount(unread))}` : words.inbox;
  return (
    <Indicator label={unread > 99 ? "99+" : unread} size={16} disabled={unread === 0} color="red" offset={4}>
      <ActionIcon component={Link} to="/inbox" variant="subtle" color="gray" size="lg" aria-label={label}>
        <IconBell size={18} />
      </ActionIcon>
    </Indicator>
  );
}
