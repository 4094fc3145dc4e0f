import { Text } from "@mantine/core";
import type { ReactNode } from "react";
import type { Schemas } from "../../../../client/operations.ts";
import { formatCount } from "../../../parts/format.ts";
import { LinkTo } from "../../../parts/link.tsx";
import { Section } from "../../../parts/section.tsx";
import { StateBadge } from "../../../parts/states.tsx";
import { reportWords as words } from "../../../words/admin-service.ts";
import { formatMs } from "./report-data.ts";

type Daily = Schemas["DailyReport"];

interface SimpleTableProps {
  readonly title: string;
  /** The first one is a name. Numbers follow. */
  readonly columns: readonly string[];
  readonly rows: readonly { readonly key: string; readonly cells: readonly ReactNode[] }[];
}

function SimpleTable({ title, columns, rows }: SimpleTableProps) {
  return (
    <Section title={title}>
      {rows.length === 0 ? (
        <Text size="sm" c="dimmed">
          {words.none}
        </Text>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a wide table scrolls with the keyboard
        <section style={{ overflowX: "auto" }} tabIndex={0} aria-label={title}>
          <table className="table">
            <thead>
              <tr>
                {columns.map((name, at) => (
                  <th key={name} scope="col" className={at > 0 ? "end" : ""}>
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map(({ key, cells }) => (
                <tr key={key}>
                  {cells.map((cell, at) => (
                    <td key={columns[at]} className={at > 0 ? "end" : ""}>
                      {cell}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </Section>
  );
}

export function EndpointTable({ endpoints }: { readonly endpoints: Daily["slowest_endpoints"] }) {
  return (
    <SimpleTable
      title={words.endpoints}
      columns={[words.endpoint, words.requests, words.errorRate, words.mean, words.series.p95]}
      rows={endpoints.map(({ method, route, requests, error_rate, avg_response_time, response_ms }) => ({
        key: `${method} ${route}`,
        cells: [
          <Text key="route" span size="sm" ff="monospace">
            {method} {route}
          </Text>,
          formatCount(requests),
          error_rate,
          avg_response_time,
          formatMs(response_ms.p95),
        ],
      }))}
    />
  );
}

export function UserTable({ users }: { readonly users: Daily["top_users"] }) {
  return (
    <SimpleTable
      title={words.users}
      columns={[words.user, words.requests, words.errorRate]}
      rows={users.map(({ user_id, username, requests, failed }) => ({
        key: String(user_id),
        cells: [
          <LinkTo key="user" to="/admin/users" search={{ user: user_id }} size="sm">
            {username ?? `#${user_id}`}
          </LinkTo>,
          formatCount(requests),
          formatCount(failed),
        ],
      }))}
    />
  );
}

interface StateTableProps {
  readonly name: string;
  readonly counts: Readonly<Record<string, number>>;
}

export function StateTable({ name, counts }: StateTableProps) {
  return (
    <SimpleTable
      title={words.states(name)}
      columns={[words.state, name]}
      rows={Object.entries(counts)
        .filter(([, count]) => count > 0)
        .map(([state, count]) => ({
          key: state,
          cells: [<StateBadge key="state" state={state} />, formatCount(count)],
        }))}
    />
  );
}
