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
 * These routes need no login, because an <img> sends no token. There is no owner check: the name of a picture, which has
 * 121 random bits and appears only in answers to the owner, is the capability.
 */
export function bookMediaRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  const binary = Type.String({ format: "binary" });
  const content = Object.fromEntries(PICTURE_TYPES.map(({ mediaType }) => [mediaType, { schema: binary }]));
  return async (app) => {
    app.get(
      "/media/books/:name",
      {
        schema: {
          tags: ["books"],
          operationId: "getBookPicture",
          summary: "Get the picture of a book or its thumbnail",
          description:
            "`picture_url` and `thumbnail_url` of a book have this path. It needs no login. Send `If-None-Match` to get " +
            "304 if you already have the picture.",
          params: Type.Object({
            name: Type.String({
              maxLength: 100,
              description: "The file name at the end of `picture_url` or `thumbnail_url`.",
              examples: ["6f1c0f5e-3c61-4a53-9a6e-2f0f5c1d7b2a.jpg"],
            }),
          }),
          response: {
            200: { description: "The picture.", content },
            206: { description: "The part of the picture that `Range` asks for.", content },
            304: Type.Null({ description: "You already have this picture." }),
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
  // One day, so that removed pictures also disappear from caches.
  "cache-control": "public, max-age=86400, immutable",
  // Other sites may show the pictures.
  "cross-origin-resource-policy": "cross-origin",
};
