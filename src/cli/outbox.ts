import { ConfigError } from "../errors.ts";
import { mailKinds } from "../mails/kinds/all.ts";
import { allowAddress, retryMail } from "../mails/outbox/change-outbox.ts";
import { getMail, listMails, listSuppressions, type MailFilter } from "../mails/outbox/queries.ts";
import { viewListedMail, viewMail, viewSuppression } from "../mails/outbox/views.ts";
import { isUuid } from "../platform/ids.ts";
import { mailState } from "../schema/mails.ts";
import { command, flag, text } from "./command.ts";
import { limitOf, oneOf } from "./named.ts";
import { printJson, printText, show } from "./table.ts";

const json = { json: flag } as const;

export const outboxCommands = [
  command({
    name: "outbox list",
    usage: "[--state STATE] [--kind KIND] [--address ADDRESS] [--limit 20] [--json]",
    summary: "List mails, newest first.",
    options: { state: text, kind: text, address: text, limit: { ...text, default: "20" }, ...json },
    async run({ connect }, { state, kind, address, limit, json }) {
      const filter: MailFilter = {
        ...(state === undefined ? {} : { state: oneOf("state", mailState.enumValues, state) }),
        ...(kind === undefined ? {} : { kind: oneOf("kind", mailKinds, kind) }),
        ...(address === undefined ? {} : { address }),
      };
      const { items } = await listMails(await connect(), filter, { before: null, limit: limitOf(limit) });
      show(json, items.map(viewListedMail), (mail) => ({
        id: mail.id,
        kind: mail.kind,
        to: mail.address,
        state: mail.state,
        attempts: mail.attempts,
        created: mail.created_at,
        reply: mail.reply?.slice(0, 60) ?? "-",
      }));
    },
  }),

  command({
    name: "outbox get",
    usage: "ID [--html] [--json]",
    summary: "Show one mail with its text, also the link of a password reset. With --html, show its HTML.",
    takesArgument: true,
    options: { html: flag, ...json },
    async run({ config, connect }, { html, json }, id) {
      const mail = viewMail(config, await getMail(await connect(), idOf(id)), false);
      if (json) printJson(mail);
      else if (html) console.log(mail.html);
      else {
        show(false, [mail], ({ address, subject, state, attempts, reply }) => ({
          to: address,
          subject,
          state,
          attempts,
          reply,
        }));
        printText(`\n${mail.text}`);
      }
    },
  }),

  command({
    name: "outbox retry",
    usage: "ID [--json]",
    summary: "Send a mail again that is failed, uncertain or suppressed.",
    takesArgument: true,
    options: json,
    async run({ connect }, { json }, id) {
      const mail = viewListedMail(await retryMail(await connect(), idOf(id)));
      if (json) printJson(mail);
      else console.log("The mail is queued.");
    },
  }),

  command({
    name: "outbox suppressions",
    usage: "[--limit 20] [--json]",
    summary: "List addresses that get no mail, and why.",
    options: { limit: { ...text, default: "20" }, ...json },
    async run({ connect }, { limit, json }) {
      const found = await listSuppressions(await connect(), limitOf(limit));
      show(json, found.map(viewSuppression), ({ address, scope, reply, created_at }) => ({
        address,
        "gets no": scope === "all" ? "mail" : "messages to many people",
        since: created_at,
        reason: reply ?? "unsubscribed",
      }));
    },
  }),

  command({
    name: "outbox allow",
    usage: "ADDRESS",
    summary: "Let a suppressed address get mail again.",
    takesArgument: true,
    options: {},
    async run({ connect }, _, address) {
      if (!address) throw new ConfigError("The address is missing. `outbox suppressions` lists them.");
      if (!(await allowAddress(await connect(), address)))
        throw new ConfigError(`"${address}" is not suppressed. \`outbox suppressions\` lists the addresses.`);
      console.log(`"${address}" gets mail again.`);
    },
  }),
];

function idOf(id: string | undefined): string {
  if (id && isUuid(id)) return id;
  throw new ConfigError(
    `${id ? `"${id}" is not the id of a mail.` : "The id is missing."} \`outbox list\` shows the ids.`,
  );
}
