import { AUDIT_ACTIONS } from "../audit/actions.ts";
import { readAuditFilter } from "../audit/filter.ts";
import { listEntries, type StoredEntry } from "../audit/queries.ts";
import { viewEntry } from "../audit/views.ts";
import { ConfigError } from "../errors.ts";
import { command, flag, text } from "./command.ts";
import { limitOf, oneOf, userNamed } from "./named.ts";
import { pagesOf, showPages } from "./table.ts";

const ACTIONS = Object.keys(AUDIT_ACTIONS) as (keyof typeof AUDIT_ACTIONS)[];

export const listAudit = command({
  name: "audit list",
  usage:
    "[--actor NAME] [--action ACTION] [--subject TYPE[:ID]] [--owner NAME] [--address ADDRESS] [--request ID] [--from DATE] [--to DATE] [--limit 20] [--json]",
  summary: "List the audit log, newest first: who did what to whose things.",
  options: {
    ...{ actor: text, action: text, subject: text, owner: text, address: text, request: text },
    ...{ from: text, to: text, limit: { ...text, default: "20" }, json: flag },
  },
  async run({ connect }, values) {
    const { actor, action, subject, owner, address, request, from, to } = values;
    const limit = limitOf(values.limit);
    const given = {
      ...(actor === undefined ? {} : { actor }),
      ...(action === undefined ? {} : { action: oneOf("action", ACTIONS, action) }),
      ...(subject === undefined ? {} : subjectOf(subject)),
      ...(address === undefined ? {} : { address }),
      ...(request === undefined ? {} : { request_id: request }),
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
    };
    const ctx = await connect();
    const ownerId = owner === undefined ? {} : { owner_id: await userNamed(ctx, owner) };
    const filter = readAuditFilter({ ...given, ...ownerId });
    const pages = pagesOf<StoredEntry>(limit, (left, last) =>
      listEntries(ctx, filter, { before: last?.id ?? 0, limit: left }),
    );
    const views = async function* () {
      for await (const page of pages) yield page.map(viewEntry);
    };
    await showPages(values.json, views(), (entry) => ({
      id: entry.id,
      at: entry.at,
      actor: entry.actor,
      action: entry.action,
      subject: `${entry.subject_type} ${entry.subject_id}`,
      owner: entry.owner_id,
      address: entry.address,
      details: JSON.stringify(entry.details).slice(0, 80),
    }));
  },
});

function subjectOf(subject: string): { subject_type: string; subject_id?: string } {
  const [type = "", ...id] = subject.split(":");
  if (type === "")
    throw new ConfigError("--subject: must be a kind of thing, such as account, or account:7.");
  return { subject_type: type, ...(id.length === 0 ? {} : { subject_id: id.join(":") }) };
}
