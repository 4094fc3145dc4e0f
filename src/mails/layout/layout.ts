/** The frame of every mail: title, blocks and footer, as HTML and as text. */
import { Html, html } from "../../platform/html.ts";
import type { Block } from "./blocks.ts";

export interface Page {
  readonly title: string;
  readonly greeting: string;
  readonly blocks: readonly Block[];
  /** Why the recipient gets the mail. */
  readonly reason: string;
  readonly home: string;
  /** Absent: the mail cannot be turned off. */
  readonly unsubscribeUrl?: string;
}

const FONT = "-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Helvetica,Arial,sans-serif";
/** Mail programs that know dark colors use these; the others keep or invert the inline ones. */
const DARK = new Html(`@media (prefers-color-scheme: dark) {
  .page { background: #14181d !important; }
  .card { background: #1e242b !important; color: #e6eaee !important; }
  .quiet, .quiet a { color: #9aa6b2 !important; }
}`);

export function layOut(page: Page): { readonly html: string; readonly text: string } {
  return { html: htmlOf(page).text, text: textOf(page) };
}

function htmlOf({ title, greeting, blocks, reason, home, unsubscribeUrl }: Page): Html {
  const leave = unsubscribeUrl
    ? html`<br><a href="${unsubscribeUrl}" style="color:#5b6672;">Unsubscribe</a>`
    : html``;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>${title}</title>
<style>${DARK}</style>
</head>
<body class="page" style="margin:0;padding:24px 12px;background:#f1f3f5;">
<table role="presentation" width="600" align="center" cellspacing="0" cellpadding="0" style="width:100%;max-width:600px;">
<tr><td class="card" style="padding:32px;border-radius:10px;background:#ffffff;color:#1b2127;font:15px/1.5 ${FONT};">
<h1 style="margin:0 0 20px;font-size:20px;line-height:1.3;overflow-wrap:anywhere;">${title}</h1>
<p style="margin:0 0 16px;">${greeting}</p>
${blocks.map((block) => html`${block.html}\n`)}</td></tr>
<tr><td class="quiet" style="padding:16px 32px;color:#5b6672;font:12px/1.5 ${FONT};">${reason} <a href="${home}" style="color:#5b6672;">${home}</a>${leave}</td></tr>
</table>
</body>
</html>
`;
}

function textOf({ title, greeting, blocks, reason, home, unsubscribeUrl }: Page): string {
  const leave = unsubscribeUrl ? [`Unsubscribe: ${unsubscribeUrl}`] : [];
  const footer = ["-- ", reason, home, ...leave].join("\n");
  return `${[title, greeting, ...blocks.map(({ text }) => text), footer].join("\n\n")}\n`;
}
