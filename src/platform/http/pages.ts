/** Pages for people, such as those behind the links of mails. They load nothing, and run only the script that is given here. */
import { createHash } from "node:crypto";
import type { FastifyInstance, FastifyReply } from "fastify";
import { Html, html } from "../html.ts";

/** `style` and `script` are constants: the page applies and runs them. */
export interface Page {
  readonly title: string;
  readonly content: Html;
  /** Absent: that of a short text with a form. */
  readonly style?: string;
  readonly script?: string;
}

const BASE_STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.3rem; }
`;

const FORM_STYLE = `
body { max-width: 26rem; margin: 10vh auto; padding: 0 1rem; }
label, input, button { display: block; width: 100%; box-sizing: border-box; font: inherit; }
input, button { margin: 0.3rem 0 1rem; padding: 0.6rem; }
`;

/** Returns a page with the content policy that allows its own style and script alone. */
export function renderPage({ title, content, style = FORM_STYLE, script }: Page): {
  readonly text: string;
  readonly policy: string;
} {
  const styles = BASE_STYLE + style;
  const policy = [
    "default-src 'none'",
    `style-src '${hashOf(styles)}'`,
    ...(script ? [`script-src '${hashOf(script)}'`, "connect-src 'self'"] : []),
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ];
  const { text } = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${new Html(styles)}</style>
</head>
<body>
<h1>${title}</h1>
${content}
${script ? html`<script>${new Html(script)}</script>` : ""}
</body>
</html>
`;
  return { text, policy: policy.join("; ") };
}

export function sendPage(reply: FastifyReply, status: number, page: Page): FastifyReply {
  const { text, policy } = renderPage(page);
  return reply
    .code(status)
    .type("text/html; charset=utf-8")
    .header("content-security-policy", policy)
    .send(text);
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
