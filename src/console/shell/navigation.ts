/** The pages of the navigation, in order. The palette and the shortcuts are made from the same list. */
import {
  IconApps,
  IconBook2,
  IconCalendarTime,
  IconChartHistogram,
  IconClipboardList,
  IconCpu,
  IconDatabaseExport,
  IconFiles,
  IconFileText,
  IconGauge,
  IconHome,
  IconKey,
  IconListCheck,
  IconMail,
  IconSitemap,
  IconStack2,
  IconTable,
  IconTableImport,
  IconTarget,
  IconUpload,
  IconUsers,
  IconWebhook,
} from "@tabler/icons-react";
import { isAdmin, isOperator } from "../api/session.ts";
import { navigationWords as words } from "../words/common.ts";

export interface Destination {
  readonly to: string;
  readonly name: string;
  readonly icon: typeof IconHome;
  /** The key after `g`. */
  readonly key?: string;
  /** Operators may not read it. */
  readonly isForAdmins?: true;
}

export const DESTINATIONS: readonly Destination[] = [
  { to: "/", name: words.home, icon: IconHome, key: "h" },
  { to: "/import", name: words.import, icon: IconUpload, key: "i" },
  { to: "/batches", name: words.batches, icon: IconTableImport, key: "b" },
  { to: "/library", name: words.library, icon: IconBook2, key: "l" },
  { to: "/records", name: words.records, icon: IconTable, key: "r" },
  { to: "/files", name: words.files, icon: IconFiles, key: "f" },
  { to: "/tasks", name: words.tasks, icon: IconListCheck, key: "t" },
  { to: "/workflows", name: words.workflows, icon: IconSitemap, key: "w" },
  { to: "/schedules", name: words.schedules, icon: IconCalendarTime, key: "s" },
  { to: "/webhooks", name: words.webhooks, icon: IconWebhook },
];

const OPERATOR_DESTINATIONS: readonly Destination[] = [
  { to: "/admin", name: words.overview, icon: IconGauge, key: "o" },
  { to: "/admin/queues", name: words.queues, icon: IconStack2, key: "q" },
  { to: "/admin/workers", name: words.workers, icon: IconCpu },
  { to: "/admin/batches", name: words.allBatches, icon: IconTableImport },
  { to: "/admin/tasks", name: words.allTasks, icon: IconListCheck },
  { to: "/admin/workflows", name: words.allWorkflows, icon: IconSitemap },
  { to: "/admin/schedules", name: words.allSchedules, icon: IconCalendarTime },
  { to: "/admin/jobs", name: words.jobs, icon: IconApps },
  { to: "/admin/reports", name: words.reports, icon: IconChartHistogram },
  { to: "/admin/outbox", name: words.outbox, icon: IconMail, isForAdmins: true },
  { to: "/admin/targets", name: words.targets, icon: IconTarget, isForAdmins: true },
  { to: "/admin/users", name: words.users, icon: IconUsers },
  { to: "/admin/audit", name: words.audit, icon: IconClipboardList, isForAdmins: true },
  { to: "/admin/backups", name: words.backups, icon: IconDatabaseExport, isForAdmins: true },
  { to: "/admin/secrets", name: words.secrets, icon: IconKey, isForAdmins: true },
];

/** The pages for people who run Rowmill that this user may see. */
export function operatorDestinations(user: Parameters<typeof isOperator>[0]): readonly Destination[] {
  if (!isOperator(user)) return [];
  return OPERATOR_DESTINATIONS.filter(({ isForAdmins }) => !isForAdmins || isAdmin(user));
}

export const API_REFERENCE = { href: "/docs", icon: IconFileText };
