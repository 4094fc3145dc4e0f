import { Stack, Tabs } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { Page } from "../../parts/page.tsx";
import { accountWords as words } from "../../words/account.ts";
import { Password } from "./password.tsx";
import { Preferences } from "./preferences.tsx";
import { Profile } from "./profile.tsx";
import { SECTIONS } from "./sections.ts";
import { Sessions } from "./sessions.tsx";
import { Tokens } from "./tokens.tsx";

const route = getRouteApi("/signed-in/account");

const CONTENTS = {
  profile: Profile,
  password: Password,
  sessions: Sessions,
  tokens: Tokens,
  notifications: Preferences,
} as const;

export function AccountPage() {
  const { section = "profile" } = route.useSearch();
  const navigate = route.useNavigate();
  return (
    <Page title={words.title}>
      <Tabs
        value={section}
        keepMounted={false}
        onChange={(value) => {
          const chosen = SECTIONS.find((known) => known === value);
          void navigate({ search: chosen && chosen !== "profile" ? { section: chosen } : {} });
        }}
      >
        <Tabs.List>
          {SECTIONS.map((name) => (
            <Tabs.Tab key={name} value={name}>
              {words.sections[name]}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {SECTIONS.map((name) => {
          const Content = CONTENTS[name];
          return (
            <Tabs.Panel key={name} value={name} pt="lg">
              <Stack gap="lg">
                <Content />
              </Stack>
            </Tabs.Panel>
          );
        })}
      </Tabs>
    </Page>
  );
}
