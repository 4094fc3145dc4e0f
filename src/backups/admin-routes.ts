/** Backups, for administrators. */
import { basename } from "node:path";
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { create as contentDisposition } from "content-disposition";
import type { FastifyRequest } from "fastify";
import Type from "typebox";
import { recordRepeated } from "../audit/record-repeated.ts";
import type { Context } from "../context.ts";
import { refuseApiToken } from "../platform/http/auth.ts";
import { emptyBodyIsEmpty } from "../platform/http/body.ts";
import { problems } from "../platform/http/errors.ts";
import { decodeUuidCursor, Page, PageQuery, pageOf } from "../platform/http/paging.ts";
import { Uuid } from "../platform/http/schemas.ts";
import { sendBytes } from "../platform/http/send-bytes.ts";
import { userRoutes } from "../platform/http/user-routes.ts";
import { nameOfBackup } from "./destination.ts";
import { openBackup } from "./open-backup.ts";
import { getBackup, listBackups } from "./queries.ts";
import { requestBackup } from "./request-backup.ts";
import { MEDIA_TYPE } from "./stored-backup.ts";
import { viewBackup } from "./views.ts";

const Params = Type.Object({ id: { ...Uuid, description: "The id of the backup." } });

const binary = { [MEDIA_TYPE]: { schema: Type.String({ format: "binary" }) } };

/** A download in many parts has as many requests. */
const DOWNLOADS_PER_HOUR = 20;

async function recordDownload({ ctx, user, method }: FastifyRequest, id: string): Promise<void> {
  if (method === "HEAD") return;
  await recordRepeated(ctx, {
    action: "backup.downloaded",
    subject: { type: "backup", id },
    key: `${user.id}/${id}`,
    isOneSubject: true,
    perHour: DOWNLOADS_PER_HOUR,
  });
}

export function backupRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["admin"], roles: ["admin"] }, (app, shared) => {
    app.get(
      "/api/v1/admin/backups",
      {
        schema: {
          ...shared,
          operationId: "listBackups",
          summary: "List backups",
          description:
            "Newest first. A new backup removes backups beyond BACKUP_KEEP from the list and from their place.",
          querystring: Type.Object(PageQuery),
          response: { 200: Page(Type.Ref("Backup")), ...problems(400, 401, 403) },
        },
      },
      async ({ ctx, query }) => {
        const page = { before: decodeUuidCursor(query.cursor), limit: query.limit };
        return pageOf(
          await listBackups(ctx, page),
          ({ id }) => id,
          (backup) => viewBackup(backup, ctx.now()),
        );
      },
    );

    app.post(
      "/api/v1/admin/backups",
      {
        preValidation: emptyBodyIsEmpty,
        schema: {
          ...shared,
          operationId: "createBackup",
          summary: "Create a backup",
          description:
            "Queues a backup of all tables, to the place that BACKUP_TO sets. Follow it at its `Location`, or by the " +
            "announcements `backup.completed` and `backup.failed`. 409 while another backup is queued or running.",
          body: Type.Object({}, { additionalProperties: false }),
          response: {
            202: {
              description: "The backup is queued.",
              headers: { Location: { type: "string", description: "The path of the backup." } },
              content: { "application/json": { schema: Type.Ref("Backup") } },
            },
            ...problems(400, 401, 403, 409, 413, 415),
          },
        },
      },
      async ({ ctx, user }, reply) => {
        const backup = await requestBackup(ctx, user.id);
        return reply
          .code(202)
          .header("location", `/api/v1/admin/backups/${backup.id}`)
          .send(viewBackup(backup, ctx.now()));
      },
    );

    app.get(
      "/api/v1/admin/backups/:id",
      {
        schema: {
          ...shared,
          operationId: "getBackup",
          summary: "Get a backup",
          description:
            "Returns the state of a backup, and its size and the number of its rows once it is complete.",
          params: Params,
          response: { 200: Type.Ref("Backup"), ...problems(400, 401, 403, 404) },
        },
      },
      async ({ ctx, params }) => viewBackup(await getBackup(ctx, params.id), ctx.now()),
    );

    app.get(
      "/api/v1/admin/backups/:id/content",
      {
        onRequest: refuseApiToken,
        schema: {
          ...shared,
          operationId: "downloadBackup",
          summary: "Download a backup",
          description:
            "Streams the gzipped file, also in parts (`Range`). It contains the hashes of passwords and tokens, therefore API " +
            "tokens are refused. 404 if the backup is in a folder of another host.",
          params: Params,
          response: {
            200: { description: "The backup.", content: binary },
            206: { description: "The part of the backup that `Range` asks for.", content: binary },
            304: Type.Null({ description: "You already have this file." }),
            ...problems(400, 401, 403, 404, 409, 416),
          },
        },
      },
      async (request, reply) => {
        const { ctx, params } = request;
        const backup = await getBackup(ctx, params.id);
        const { read, ...facts } = await openBackup(ctx, backup);
        await recordDownload(request, backup.id);
        const name = backup.path === null ? nameOfBackup(backup.id, backup.createdAt) : basename(backup.path);
        return sendBytes(request, reply, { ...facts, mediaType: MEDIA_TYPE }, read, {
          "cache-control": "private, no-store",
          "content-disposition": contentDisposition(name),
        });
      },
    );
  });
}
