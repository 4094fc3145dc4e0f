/** Few routes make up all requests. */
const known = new Map<string, string>();

/**
 * Returns the path of a route as the API documents it: `/api/v1/batches/:batch_id` becomes `/api/v1/batches/{batch_id}`.
 * undefined: no route serves the request.
 */
export function routeTemplate(route: string | undefined): string | undefined {
  if (route === undefined) return undefined;
  const template = known.get(route) ?? route.replace(/:(\w+)/g, "{$1}");
  known.set(route, template);
  return template;
}
