import { useQuery } from "@tanstack/react-query";
import { apiQuery } from "../../api/queries.ts";
import { Moment } from "../../parts/moment.tsx";
import { words as common } from "../../words/common.ts";
import { homeWords as words } from "../../words/home.ts";
import { Block, Line } from "./block.tsx";

export function UnreadNotifications() {
  const { data } = useQuery(apiQuery("/api/v1/notifications", { query: { unread: true, limit: 6 } }));
  return (
    <Block
      title={words.notifications}
      empty={data ? words.noNotifications : common.loading}
      more={{ to: "/inbox", name: words.allNotifications }}
    >
      {(data?.items ?? []).map(({ id, text, created_at }) => (
        <Line key={id} to="/inbox" name={text} detail={<Moment at={created_at} />} />
      ))}
    </Block>
  );
}
