import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { create as contentDisposition } from "content-disposition";
import Type from "typebox";
import type { Context } from "../context.ts";
import { invalidField } from "../errors.ts";
import { authenticate, SECURITY } from "../platform/http/auth.ts";
import { problems } from "../platform/http/errors.ts";
import { decodeUuidCursor, Page, PageQuery, pageOf } from "../platform/http/paging.ts";
import { Uuid } from "../platform/http/schemas.ts";
import { sendBytes } from "../platform/http/send-bytes.ts";
import { declaredBytes, withUploadedFile } from "../platform/http/upload.ts";
import { deleteFile } from "./delete-file.ts";
import { MAX_PATH } from "./names.ts";
import { getFile, listFiles, ShownOrigin, viewFile } from "./queries.ts";
import { readChunks } from "./read-file.ts";
import { receiveFile } from "./receive-file.ts";

const FileParams = Type.Object({ file_id: Uuid });

const path = Type.Optional(
  Type.String({
    maxLength: MAX_PATH,
    description:
      "What tasks are to call it in `file_path`: any path that no other file of yours has. Absent: `/files/{id}/{name}`.",
    examples: ["/path/to/image.jpg"],
  }),
);

const FileForm = Type.Object({
  path,
  file: Type.String({ format: "binary", description: "The file, of any kind; behind `path`." }),
});

const binary = { "*/*": { schema: Type.String({ format: "binary" }) } };

export function fileRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.addHook("onRequest", authenticate(ctx.config));
    const shared = { tags: ["files"], security: SECURITY };

    app.post(
      "/api/v1/files",
      {
        config: { documentedBody: { "multipart/form-data": FileForm } },
        schema: {
          ...shared,
          summary: "Upload a file",
          description:
            "Streams it into the database and answers 201 when all of it is there; any other answer means that nothing " +
            "of it is kept. At most FILE_MAX_BYTES, and FILES_QUOTA_BYTES with your other files.",
          querystring: Type.Object({ path }),
          response: { 201: Type.Ref("File"), ...problems(400, 401, 403, 409, 413, 415) },
        },
      },
      async (request, reply) => {
        const { ctx } = request;
        const rules = {
          maxBytes: ctx.config.fileMaxBytes,
          maxBytesName: "FILE_MAX_BYTES",
          optionNames: Object.keys(FileForm.properties),
        };
        const stored = await withUploadedFile(request, reply, rules, ({ fields, ...uploaded }) =>
          receiveFile(ctx, {
            ...uploaded,
            userId: request.user.id,
            path: oneOf(request.query.path, fields.path),
            declaredBytes: declaredBytes(request),
          }),
        );
        return reply.code(201).header("location", `/api/v1/files/${stored.id}`).send(viewFile(stored));
      },
    );

    app.get(
      "/api/v1/files",
      {
        schema: {
          ...shared,
          summary: "My files, newest first",
          description: "Those that were uploaded, and those that tasks have made; not the pictures of books.",
          querystring: Type.Object({ ...PageQuery, origin: Type.Optional(ShownOrigin) }),
          response: { 200: Page(Type.Ref("File")), ...problems(400, 401) },
        },
      },
      async ({ ctx, user, query }) => {
        const { origin, limit } = query;
        const before = decodeUuidCursor(query.cursor);
        const found = await listFiles(ctx, user.id, { origin, before, limit: limit + 1 });
        return pageOf(found, limit, ({ id }) => id, viewFile);
      },
    );

    app.get(
      "/api/v1/files/:file_id",
      {
        schema: {
          ...shared,
          summary: "What is known of a file",
          params: FileParams,
          response: { 200: Type.Ref("File"), ...problems(400, 401, 404) },
        },
      },
      async ({ ctx, user, params }) => viewFile(await getFile(ctx, user.id, params.file_id)),
    );

    app.get(
      "/api/v1/files/:file_id/content",
      {
        schema: {
          ...shared,
          summary: "Download a file",
          description:
            "As it was stored, byte by byte. A `Range` of one range gets that part (206), of several all of it; with " +
            "`If-Range` only while the file is still the one that it names. `If-None-Match` gets 304 for one you have.",
          params: FileParams,
          response: {
            200: { description: "All of it.", content: binary },
            206: { description: "The part of it that `Range` asks for.", content: binary },
            304: Type.Null({ description: "It is the one that you have." }),
            ...problems(400, 401, 404, 416),
          },
        },
      },
      async (request, reply) => {
        const { ctx } = request;
        const file = await getFile(ctx, request.user.id, request.params.file_id);
        return sendBytes(request, reply, file, (start, end) => readChunks(ctx, file, start, end), {
          // Kept by nobody but its owner, and asked for each time: it may be deleted.
          "cache-control": "private, no-cache",
          "content-disposition": contentDisposition(file.name),
        });
      },
    );

    app.delete(
      "/api/v1/files/:file_id",
      {
        schema: {
          ...shared,
          summary: "Remove a file",
          description: "Not while a task that is pending or processing needs it.",
          params: FileParams,
          response: { 204: Type.Null({ description: "Removed." }), ...problems(400, 401, 403, 404, 409) },
        },
      },
      async ({ ctx, user, params }, reply) => {
        await deleteFile(ctx, user.id, params.file_id);
        return reply.code(204).send(null);
      },
    );
  };
}

/** @throws DomainError where the query and the form want it called differently */
function oneOf(query: string | undefined, form: string | undefined): string | undefined {
  if (query !== undefined && form !== undefined && query !== form)
    throw invalidField("path", "is one in the query and another in the form; send it once.");
  return query ?? form;
}
