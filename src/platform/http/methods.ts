/** The methods of each path, for answers with 405. */
import type { FastifyInstance } from "fastify";

/** Call it before the routes are registered. @returns the methods of the path of a URL; none if no route has it */
export function collectMethods(app: FastifyInstance): (url: string) => string[] {
  const paths = new Map<string, { pattern: URLPattern; methods: Set<string> }>();
  app.addHook("onRoute", ({ url, method }) => {
    const pathname = withoutSlash(url);
    const path = paths.get(pathname) ?? { pattern: new URLPattern({ pathname }), methods: new Set() };
    paths.set(pathname, path);
    for (const name of [method].flat()) path.methods.add(name);
  });
  return (url) => {
    const pathname = withoutSlash(url.split("?")[0] ?? "");
    const found = [...paths.values()].filter(({ pattern }) => pattern.test({ pathname }));
    return [...new Set(found.flatMap(({ methods }) => [...methods]))].sort();
  };
}

function withoutSlash(path: string): string {
  return path.replace(/(?<=.)\/$/, "");
}
