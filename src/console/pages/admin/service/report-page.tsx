import { Alert, Badge, Menu, SimpleGrid } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import type { Schemas } from "../../../../client/operations.ts";
import { apiQuery } from "../../../api/queries.ts";
import { Chart } from "../../../parts/chart.tsx";
import { Failure, Loading } from "../../../parts/feedback.tsx";
import { formatCompact, formatCount } from "../../../parts/format.ts";
import { Page } from "../../../parts/page.tsx";
import { saveFile } from "../../../parts/save-file.ts";
import { SaveMenu } from "../../../parts/save-menu.tsx";
import { reportWords as words } from "../../../words/admin-service.ts";
import { Tile } from "../overview/tile.tsx";
import { formatMs, partsOf, requestSeries, timeSeries, titleOfReport } from "./report-data.ts";
import { EndpointTable, StateTable, UserTable } from "./report-tables.tsx";

type Report = Schemas["Report"];

export function ReportPage() {
  const { reportId = "" } = useParams({ strict: false });
  const { data, error, refetch } = useQuery(
    apiQuery("/api/v1/reports/{report_id}", { path: { report_id: reportId } }),
  );
  if (!data) return error ? <Failure error={error} onRetry={() => void refetch()} /> : <Loading />;
  return <OneReport report={data} />;
}

function OneReport({ report }: { readonly report: Report }) {
  const { data } = report;
  const parts = partsOf(report);
  const times = parts.map(({ start }) => new Date(start));
  const { tiles, charts } = words;
  return (
    <Page
      title={titleOfReport(report)}
      parent={{ to: "/admin/reports", name: words.title }}
      badge={
        !data.is_complete && (
          <Badge variant="light" color="yellow" radius="sm" tt="none">
            {words.partial}
          </Badge>
        )
      }
      actions={<Downloads id={report.id} />}
    >
      {data.missing_requests > 0 && (
        <Alert color="orange">{words.missing(formatCount(data.missing_requests))}</Alert>
      )}
      <SimpleGrid cols={{ base: 2, sm: 3, md: 6 }} spacing="sm">
        <Tile label={tiles.requests} value={formatCount(data.total_requests)} hint={data.success_rate} />
        <Tile
          label={tiles.failed}
          value={formatCount(data.failed_requests)}
          hint=""
          isBad={data.failed_requests > 0}
        />
        <Tile label={tiles.users} value={formatCount(data.unique_users)} hint="" to="/admin/users" />
        <Tile label={tiles.addresses} value={formatCount(data.unique_ips)} hint={data.unique_ips_counts} />
        <Tile label={tiles.p50} value={formatMs(data.response_ms.p50)} hint="" />
        <Tile label={tiles.p95} value={formatMs(data.response_ms.p95)} hint="" />
      </SimpleGrid>
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="sm">
        <Chart
          title={charts.requests}
          shape="bars"
          times={times}
          series={requestSeries(parts)}
          format={formatCompact}
        />
        <Chart title={charts.times} times={times} series={timeSeries(parts)} format={formatMs} />
      </SimpleGrid>
      <EndpointTable endpoints={data.slowest_endpoints} />
      <UserTable users={data.top_users} />
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="sm">
        <StateTable name={words.imports} counts={data.imports} />
        <StateTable name={words.tasks} counts={data.tasks} />
      </SimpleGrid>
    </Page>
  );
}

function Downloads({ id }: { readonly id: string }) {
  const formats = [
    ["html", `/api/v1/reports/${id}/report.html`],
    ["csv", `/api/v1/reports/${id}/report.csv`],
    ["json", `/api/v1/reports/${id}`],
  ] as const;
  return (
    <SaveMenu label={words.downloadMenu}>
      {formats.map(([format, url]) => (
        <Menu.Item key={format} onClick={() => saveFile(url, `report-${id}.${format}`)}>
          {words.download(words.downloads[format])}
        </Menu.Item>
      ))}
    </SaveMenu>
  );
}
