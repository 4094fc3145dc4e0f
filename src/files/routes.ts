import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { create as contentDisposition } from "content-disposition";
import Type from "typebox";
import type { Context } from "../context.ts";
import { invalidField } from "../errors.ts";
import { problems } from "../platform/http/errors.ts";
import { decodeUuidCursor, Page, PageQuery, pageOf } from "../platform/http/paging.ts";
import { Uuid } from "../platform/http/schemas.ts";
import { sendBytes } from "../platform/http/send-bytes.ts";
import { declaredBytes, fileForm, maxBytesOf, withUploadedFile } from "../platform/http/upload.ts";
import { userRoutes } from "../platform/http/user-routes.ts";
import { deleteFile } from "./delete-file.ts";
import { MAX_PATH, withoutInvisible } from "./names.ts";
import { getFile, listFiles } from "./queries.ts";
import { readChunks } from "./read-file.ts";
import { receiveFile } from "./receive-file.ts";
import { ShownOrigin, viewFile } from "./views.ts";

const FileParams = Type.Object({ file_id: { ...Uuid, description: "The id of the file." } });

const path = Type.Optional(
  Type.String({
    maxLength: MAX_PATH,
    description:
      "The path that tasks use as `file_path`. Each of your files needs a different path. Absent: `/files/{id}/{name}`.",
    examples: ["/path/to/image.jpg"],
  }),
);

const FILE_FORM = fileForm("The file, of any kind, after `path`.", {
  fields: { path },
  examples: ["(the bytes of the file)"],
});

const binary = { "*/*": { schema: Type.String({ format: "binary" }) } };

export function fileRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["files"] }, (app, shared) => {
    app.post(
      "/api/v1/files",
      {
        config: { documentedBody: FILE_FORM },
        schema: {
          ...shared,
          operationId: "uploadFile",
          summary: "Upload a file",
          description:
            "Streams the file into the database and returns 201 when all of it is stored. With any other status nothing is " +
            "kept. A file can have up to FILE_MAX_BYTES; all your files together can have FILES_QUOTA_BYTES.",
          querystring: Type.Object({ path }),
          response: { 201: Type.Ref("StoredFile"), ...problems(400, 401, 403, 409, 413, 415) },
        },
      },
      async (request, reply) => {
        const { ctx } = request;
        const rules = {
          maxBytes: ctx.config.fileMaxBytes,
          maxBytesName: "FILE_MAX_BYTES",
          optionNames: ["path", "file"],
        };
        const stored = await withUploadedFile(request, rules, ({ fields, ...uploaded }) =>
          receiveFile(ctx, {
            ...uploaded,
            userId: request.user.id,
            path: pathOf(request.query.path, fields.path),
            declaredBytes: declaredBytes(request),
            maxBytes: maxBytesOf(request),
          }),
        );
        return reply.code(201).header("location", `/api/v1/files/${stored.id}`).send(viewFile(stored));
      },
    );

    app.get(
      "/api/v1/files",
      {
        config: { mayLag: true },
        schema: {
          ...shared,
          operationId: "listFiles",
          summary: "List files",
          description:
            "Your uploaded files and the files that tasks created, newest first. Pictures of books are not listed.",
          querystring: Type.Object({ ...PageQuery, origin: Type.Optional(ShownOrigin) }),
          response: { 200: Page(Type.Ref("StoredFile")), ...problems(400, 401) },
        },
      },
      async ({ ctx, user, query }) => {
        const { origin, limit } = query;
        const before = decodeUuidCursor(query.cursor);
        const found = await listFiles(ctx, user.id, { origin, before, limit });
        return pageOf(found, ({ id }) => id, viewFile);
      },
    );

    app.get(
      "/api/v1/files/:file_id",
      {
        schema: {
          ...shared,
          operationId: "getFile",
          summary: "Get a file",
          description: "Returns the name, the size and the origin of a file, not its content.",
          params: FileParams,
          response: { 200: Type.Ref("StoredFile"), ...problems(400, 401, 404) },
        },
      },
      async ({ ctx, user, params }) => viewFile(await getFile(ctx, user.id, params.file_id)),
    );

    app.get(
      "/api/v1/files/:file_id/content",
      {
        schema: {
          ...shared,
          operationId: "downloadFile",
          summary: "Download a file",
          description:
            "Returns the stored bytes. A `Range` header with one range returns that part (206); with several ranges it is " +
            "ignored. `If-Range` limits this to an unchanged file. `If-None-Match` returns 304 if you already have the file.",
          params: FileParams,
          response: {
            200: { description: "The whole file.", content: binary },
            206: { description: "The part of the file that `Range` asks for.", content: binary },
            304: Type.Null({ description: "You already have this file." }),
            ...problems(400, 401, 404, 416),
          },
        },
      },
      async (request, reply) => {
        const { ctx } = request;
        const file = await getFile(ctx, request.user.id, request.params.file_id);
        return sendBytes(request, reply, file, (start, end) => readChunks(ctx, file, start, end), {
          // Only browsers of the owner can cache the file, and they must revalidate it: it can be deleted.
          "cache-control": "private, no-cache",
          "content-disposition": contentDisposition(withoutInvisible(file.name)),
        });
      },
    );

    app.delete(
      "/api/v1/files/:file_id",
      {
        schema: {
          ...shared,
          operationId: "deleteFile",
          summary: "Delete a file",
          description: "Returns 409 while a pending or processing task needs the file.",
          params: FileParams,
          response: {
            204: Type.Null({ description: "The file is deleted." }),
            ...problems(400, 401, 403, 404, 409),
          },
        },
      },
      async ({ ctx, user, params }, reply) => {
        await deleteFile(ctx, user.id, params.file_id);
        return reply.code(204).send(null);
      },
    );
  });
}

/** @throws DomainError `invalid_input` if the query and the form have different paths */
function pathOf(query: string | undefined, form: string | undefined): string | undefined {
  if (query !== undefined && form !== undefined && query !== form)
    throw invalidField("path", "differs between the query and the form. Send it once.");
  return query ?? form;
}
