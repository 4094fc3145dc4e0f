import { useCurrentUser } from "../../api/session.ts";
import { Page } from "../../parts/page.tsx";
import { homeWords as words } from "../../words/home.ts";

export function HomePage() {
  const { username } = useCurrentUser();
  return (
    <Page title={words.title} description={words.hello(username)}>
      {null}
    </Page>
  );
}
