/** The pages of the documentation: their text, and what they name. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

export const root = resolve(import.meta.dirname, "../..");

export interface Page {
  /** From the root of the repository. */
  readonly file: string;
  readonly text: string;
  /** The text without its code blocks. */
  readonly prose: string;
}

export const pages: readonly Page[] = globSync(
  ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "docs/**/*.md"],
  { cwd: root },
)
  .sort()
  .map((file) => {
    const text = readFileSync(join(root, file), "utf8");
    return { file, text, prose: withoutCode(text) };
  });

function withoutCode(text: string): string {
  return text.replace(/^ *```[\s\S]*?^ *```/gm, "");
}

/** Returns every match of the pattern's first group, in order. */
export function all(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([, group = ""]) => group);
}

/** Returns the relative links of a page that lead nowhere: to no file, or to no heading in it. */
export function brokenLinks({ file, prose }: Page): string[] {
  const links = all(prose, /\]\(([^)\s]+)\)/g).filter((link) => !/^[a-z]+:/.test(link));
  return links.filter((link) => {
    const [path = "", anchor] = link.split("#");
    const target = path === "" ? file : join(dirname(file), path);
    if (!existsSync(join(root, target))) return true;
    return anchor !== undefined && !anchorsOf(readFileSync(join(root, target), "utf8")).has(anchor);
  });
}

/** The anchors that GitHub gives the headings of a page. */
function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const heading of all(withoutCode(text), /^#{1,6} +(.+?) *$/gm)) {
    const anchor = heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replace(/\s/g, "-");
    let unique = anchor;
    for (let count = 1; anchors.has(unique); count++) unique = `${anchor}-${count}`;
    anchors.add(unique);
  }
  return anchors;
}

/** Returns the paths of files that a page names and the repository does not have, except those that it has the reader create. */
export function missingFiles({ text, prose }: Page): string[] {
  const created = new Set(all(text, /`([\w/.-]+)`[^`]*:\n\n```/g));
  const named = all(prose, /`((?:src|test|docs|drizzle)\/[\w./-]+)`/g);
  return named.filter((path) => !created.has(path) && !existsSync(join(root, path)));
}

const PATH = String.raw`[\w$./{},*-]+`;
const WITH_METHOD = new RegExp(String.raw`\b((?:GET|POST|PUT|PATCH|DELETE|HEAD) \/${PATH})`, "g");
const UNDER_API = new RegExp(String.raw`(\/api\/(?:v1|tasks|users|admin)\/${PATH})`, "g");

/** The variables that the examples of the guides use. */
const VARIABLES = { $API: "/api/v1", $BATCH: "/api/v1/batches/{batch_id}" };

/** Returns the routes that a page names and `routes` does not have. A path that ends in `/` or `/*` may name all below it. */
export function unknownRoutes({ text }: Page, routes: readonly string[]): string[] {
  const expanded = Object.entries(VARIABLES).reduce(
    (result, [name, path]) => result.replaceAll(`${name}/`, `${path}/`),
    text,
  );
  const named = (pattern: RegExp) => all(expanded, pattern).map((name) => name.replace(/[.,]+$/, ""));
  const paths = routes.map((route) => route.replace(/^[A-Z]+ /, ""));
  return [
    ...named(WITH_METHOD).filter(
      (name) => !routes.some((route) => matches(route, name.replace("HEAD", "GET"))),
    ),
    ...named(UNDER_API).filter((name) => !paths.some((path) => matches(path, name))),
  ];
}

function matches(route: string, name: string): boolean {
  const bare = name.replace(/\/\*?$/, "");
  if (bare !== name && route.startsWith(`${bare}/`)) return true;
  return new RegExp(`^${route.replace(/\{\w+\}/g, "[^/]+")}$`).test(bare);
}
