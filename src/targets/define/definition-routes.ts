/** Administrators define targets. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../../context.ts";
import { invalidField } from "../../errors.ts";
import { emptyBodyIsEmpty } from "../../platform/http/body.ts";
import { problems } from "../../platform/http/errors.ts";
import { userRoutes } from "../../platform/http/user-routes.ts";
import { MAX_DEFINITION_BYTES, TargetName } from "../definition/definition.ts";
import { deleteTarget } from "./delete-definition.ts";
import { proposeTarget } from "./propose-target.ts";
import { getDefinition, getVersion } from "./queries.ts";
import {
  NewTargetBody,
  NewVersionBody,
  PreviewBody,
  readNewTarget,
  readNewVersion,
  readPreview,
  readTest,
  TestBody,
} from "./read-definition.ts";
import { createTarget, updateTarget } from "./save-definition.ts";
import { examplesOf, testDefinition } from "./test-definition.ts";
import {
  DefinitionTestView,
  ProposalView,
  SavedDefinitionView,
  StoredDefinitionView,
  viewSaved,
  viewStored,
  viewTest,
} from "./views.ts";

/** A definition is validated by its own limit, with a clearer message. */
const BODY_BYTES = 4 * MAX_DEFINITION_BYTES;

const Params = Type.Object({ name: TargetName });

const FromTable = Type.Object({
  from_table: Type.Optional(
    Type.String({
      minLength: 3,
      maxLength: 200,
      description: "Proposes a definition for this table instead of saving one. Send no body.",
      examples: ["shop.customers"],
    }),
  ),
});

export function targetDefinitionRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["targets"], roles: ["admin"] }, (app, shared) => {
    app.post(
      "/api/v1/targets",
      {
        bodyLimit: BODY_BYTES,
        config: { documentedBody: { "application/json": NewTargetBody }, isBodyOptional: true },
        schema: {
          ...shared,
          operationId: "createTarget",
          summary: "Define a target",
          description:
            "Saves version 1 of a target, so that users can upload for it at once. The destination is checked first. " +
            "With `from_table` and no body, it proposes a definition for a table and saves nothing.",
          querystring: FromTable,
          response: {
            200: ProposalView,
            201: SavedDefinitionView,
            ...problems(400, 401, 403, 409, 413, 415),
          },
        },
      },
      async ({ ctx, query, body }, reply) => {
        if (query.from_table !== undefined) {
          if (body !== undefined)
            throw invalidField("from_table", "proposes a definition. Send it without a body.");
          const { notes, ...proposal } = await proposeTarget(ctx, query.from_table);
          return { ...proposal, version: null, notes: [...notes] };
        }
        if (body === undefined) throw invalidField("body", "is missing. Send a definition, or `from_table`.");
        const { name, definition } = readNewTarget(body);
        const saved = await createTarget(ctx, name, definition);
        return reply.code(201).header("location", `/api/v1/targets/${name}`).send(viewSaved(saved));
      },
    );

    app.post(
      "/api/v1/targets/preview",
      {
        bodyLimit: BODY_BYTES,
        config: { documentedBody: { "application/json": PreviewBody } },
        schema: {
          ...shared,
          operationId: "previewTarget",
          summary: "Try a definition",
          description:
            "Runs rows through a definition that is not saved, as an import would. For a table, the rows are written and rolled back.",
          response: { 200: DefinitionTestView, ...problems(400, 401, 403, 413, 415) },
        },
      },
      async ({ ctx, body }) => {
        const { definition, sample } = readPreview(body);
        return viewTest(await testDefinition(ctx, null, definition, sample ?? examplesOf(definition)));
      },
    );

    app.post(
      "/api/v1/targets/:name/test",
      {
        bodyLimit: BODY_BYTES,
        config: { documentedBody: { "application/json": TestBody }, isBodyOptional: true },
        preValidation: emptyBodyIsEmpty,
        schema: {
          ...shared,
          operationId: "testTarget",
          summary: "Test a target",
          description:
            "Runs its example rows, or those of the body, as an import would. For a table, the rows are written and rolled back.",
          params: Params,
          response: { 200: DefinitionTestView, ...problems(400, 401, 403, 404, 413, 415) },
        },
      },
      async ({ ctx, params, body }) => {
        const { definition } = await getDefinition(ctx, params.name);
        return viewTest(
          await testDefinition(ctx, params.name, definition, readTest(body) ?? examplesOf(definition)),
        );
      },
    );

    app.get(
      "/api/v1/targets/:name/definition",
      {
        schema: {
          ...shared,
          operationId: "getTargetDefinition",
          summary: "Get the definition of a target",
          description: "Returns the current version, or an earlier one. Built-in targets have no definition.",
          params: Params,
          querystring: Type.Object({
            version: Type.Optional(
              Type.Integer({
                minimum: 1,
                maximum: 2 ** 31 - 1,
                description: "A version, also of a deleted target. Absent: the current version.",
                examples: [1],
              }),
            ),
          }),
          response: { 200: StoredDefinitionView, ...problems(400, 401, 403, 404) },
        },
      },
      async ({ ctx, params, query }) =>
        viewStored(
          query.version === undefined
            ? await getDefinition(ctx, params.name)
            : await getVersion(ctx, params.name, query.version),
        ),
    );

    app.put(
      "/api/v1/targets/:name",
      {
        bodyLimit: BODY_BYTES,
        config: { documentedBody: { "application/json": NewVersionBody } },
        schema: {
          ...shared,
          operationId: "updateTarget",
          summary: "Save a new version of a target",
          description:
            "Uploads that begin after it use the new version. Batches keep the version that they began with.",
          params: Params,
          response: { 200: SavedDefinitionView, ...problems(400, 401, 403, 404, 409, 413, 415) },
        },
      },
      async ({ ctx, params, body }) => {
        const { version, definition } = readNewVersion(body);
        return viewSaved(await updateTarget(ctx, params.name, definition, version));
      },
    );

    app.delete(
      "/api/v1/targets/:name",
      {
        schema: {
          ...shared,
          operationId: "deleteTarget",
          summary: "Delete a target",
          description:
            "No upload can start after this. Batches that have started go on, and can be retried and undone. Built-in targets stay.",
          params: Params,
          response: {
            204: Type.Null({ description: "The target is deleted." }),
            ...problems(400, 401, 403, 404),
          },
        },
      },
      async ({ ctx, params }, reply) => {
        await deleteTarget(ctx, params.name);
        return reply.code(204).send(null);
      },
    );
  });
}
