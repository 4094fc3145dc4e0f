import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../context.ts";
import { notFound } from "../errors.ts";
import { findPicture, readChunks } from "../files/read-file.ts";
import { problems } from "../platform/http/errors.ts";
import { sendBytes } from "../platform/http/send-bytes.ts";
import { PICTURE_TYPES } from "../platform/pictures/formats.ts";
import { fileIdOf, PICTURE_NAME } from "./pictures.ts";

/**
 * Without a login: an <img> sends no token, and the services' clients show `picture_url` in one. What guards a
 * picture is its name, random in 121 bits, which only the answers to its owner tell.
 */
export function mediaRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  const binary = Type.String({ format: "binary" });
  const content = Object.fromEntries(PICTURE_TYPES.map(({ mediaType }) => [mediaType, { schema: binary }]));
  return async (app) => {
    app.get(
      "/media/books/:name",
      {
        schema: {
          tags: ["books"],
          summary: "A picture of a book, or its thumbnail",
          description:
            "As `picture_url` and `thumbnail_url` name it; needs no login. Send `If-None-Match` to get 304 for one you have.",
          params: Type.Object({ name: Type.String({ maxLength: 100 }) }),
          response: {
            200: { description: "The picture.", content },
            206: { description: "The part of it that `Range` asks for.", content },
            304: Type.Null({ description: "It is the one that you have." }),
            ...problems(400, 404, 416),
          },
        },
      },
      async (request, reply) => {
        const { name } = request.params;
        const file = PICTURE.test(name) ? await findPicture(ctx, fileIdOf(name)) : null;
        if (file?.name !== `books/${name}`) throw notFound("picture");
        return sendBytes(request, reply, file, (start, end) => readChunks(ctx, file, start, end), CACHING);
      },
    );
  };
}

const PICTURE = new RegExp(PICTURE_NAME);

const CACHING = {
  // A day, so that what was removed is soon gone from caches too.
  "cache-control": "public, max-age=86400, immutable",
  // Shown on other sites' pages, as any picture.
  "cross-origin-resource-policy": "cross-origin",
};
