import { Button, SimpleGrid, Stack } from "@mantine/core";
import { IconUpload } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useLive } from "../../api/live.ts";
import { apiQuery } from "../../api/queries.ts";
import { useCurrentUser } from "../../api/session.ts";
import { Failure, Loading } from "../../parts/feedback.tsx";
import { Page } from "../../parts/page.tsx";
import { navigationWords } from "../../words/common.ts";
import { homeWords as words } from "../../words/home.ts";
import { isMoving } from "../batches/choices.ts";
import { Attention } from "./attention.tsx";
import { RecentImports } from "./recent-imports.tsx";
import { Running } from "./running.tsx";
import { Start } from "./start.tsx";
import { UnreadNotifications } from "./unread-notifications.tsx";

/** The page looks at the newest of each list. */
const LOOKED_AT = { limit: 50 };

/** A new user sees how to start. Others see what runs, what needs them, and what happened. */
export function HomePage() {
  const { username } = useCurrentUser();
  const batches = useQuery(apiQuery("/api/v1/batches", { query: LOOKED_AT }));
  const tasks = useQuery(apiQuery("/api/v1/tasks", { query: LOOKED_AT }));
  const runningBatches =
    batches.data?.items.filter(({ state }) => isMoving(state) || state === "paused") ?? [];
  const runningTasks =
    tasks.data?.items.filter(({ status }) => status === "pending" || status === "processing") ?? [];
  useLive({ batches: runningBatches.map(({ id }) => id), tasks: runningTasks.map(({ id }) => id) });
  const error = batches.error ?? tasks.error;
  const isNew = batches.data?.items.length === 0 && tasks.data?.items.length === 0;
  return (
    <Page
      title={words.title}
      description={words.hello(username)}
      actions={
        !isNew && (
          <Button component={Link} to="/import" leftSection={<IconUpload size={16} aria-hidden />}>
            {navigationWords.import}
          </Button>
        )
      }
    >
      {batches.data && tasks.data ? (
        isNew ? (
          <Start />
        ) : (
          <Stack gap="md">
            <SimpleGrid cols={{ base: 1, md: 2 }}>
              <Running batches={runningBatches} tasks={runningTasks} />
              <Attention batches={batches.data.items} tasks={tasks.data.items} />
            </SimpleGrid>
            <SimpleGrid cols={{ base: 1, md: 2 }}>
              <RecentImports batches={batches.data.items} />
              <UnreadNotifications />
            </SimpleGrid>
          </Stack>
        )
      ) : error ? (
        <Failure
          error={error}
          onRetry={() => {
            void batches.refetch();
            void tasks.refetch();
          }}
        />
      ) : (
        <Loading />
      )}
    </Page>
  );
}
