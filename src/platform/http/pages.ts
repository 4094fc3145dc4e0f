/** Small pages for people who follow a link of a mail. They load nothing, and run only the script that is given here. */
import { createHash } from "node:crypto";
import type { FastifyInstance, FastifyReply } from "fastify";
import { Html, html } from "../html.ts";

interface Page {
  readonly title: string;
  readonly content: Html;
  /** A constant: the page runs it. */
  readonly script?: string;
}

const STYLE = `:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 26rem; margin: 10vh auto; padding: 0 1rem; }
h1 { font-size: 1.3rem; }
label, input, button { display: block; width: 100%; box-sizing: border-box; font: inherit; }
input, button { margin: 0.3rem 0 1rem; padding: 0.6rem; }
`;

export function sendPage(
  reply: FastifyReply,
  status: number,
  { title, content, script }: Page,
): FastifyReply {
  const policy = [
    "default-src 'none'",
    `style-src '${hashOf(STYLE)}'`,
    ...(script ? [`script-src '${hashOf(script)}'`, "connect-src 'self'"] : []),
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ];
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${new Html(STYLE)}</style>
</head>
<body>
<h1>${title}</h1>
${content}
${script ? html`<script>${new Html(script)}</script>` : html``}
</body>
</html>
`;
  return reply
    .code(status)
    .type("text/html; charset=utf-8")
    .header("content-security-policy", policy.join("; "))
    .send(page.text);
}

/** For routes whose token says all: the button of a page sends an empty form, and mail programs send forms of any type. */
export function ignoreBodies(
  app: Pick<FastifyInstance, "removeAllContentTypeParsers" | "addContentTypeParser">,
): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "string" }, (_request, _body, done) => done(null));
}

/** For the response schema of a page. */
export const htmlPage = (description: string) => ({
  description,
  content: {
    "text/html": { schema: { type: "string", examples: ["<!doctype html><title>Rowmill</title>"] } },
  },
});

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}
