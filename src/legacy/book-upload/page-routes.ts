/** The pages of the Django bulk book upload service. The console has a page for each. */
import type { FastifyPluginAsync } from "fastify";

/** By the names of their templates, which people may have kept with `.html`. */
const PAGES: Readonly<Record<string, string>> = {
  login: "/sign-in",
  register: "/sign-up",
  takebook: "/library?add=true",
  mybook: "/library",
  editbook: "/library",
};

const hidden = { schema: { hide: true } };

export const bookUploadPages: FastifyPluginAsync = async (app) => {
  for (const [name, page] of Object.entries(PAGES)) {
    for (const path of [`/${name}`, `/${name}.html`])
      app.get(path, hidden, (_request, reply) => reply.redirect(page));
  }
  app.get<{ Params: { id: string } }>("/editbook/:id", hidden, ({ params }, reply) =>
    reply.redirect(`/library?edit=${encodeURIComponent(params.id)}`),
  );
};
