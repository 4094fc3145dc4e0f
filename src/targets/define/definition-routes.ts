/** Administrators define targets. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type, { type Static } from "typebox";
import type { Context } from "../../context.ts";
import { invalidField } from "../../errors.ts";
import { problems } from "../../platform/http/errors.ts";
import { userRoutes } from "../../platform/http/user-routes.ts";
import { Definition, MAX_DEFINITION_BYTES, TargetName } from "../definition/definition.ts";
import { deleteTarget } from "./delete-definition.ts";
import { proposeTarget } from "./propose-target.ts";
import { getDefinition, getVersion } from "./queries.ts";
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

const NewTarget = Type.Object(
  { name: TargetName, ...Definition.properties },
  { additionalProperties: false },
);

const Sample = Type.Object(
  {
    header: Type.Array(Type.String({ maxLength: 1000 }), {
      minItems: 1,
      maxItems: 2000,
      description: "The column names.",
      examples: [["Customer no.", "full_name"]],
    }),
    rows: Type.Array(Type.Array(Type.String(), { maxItems: 2000 }), {
      maxItems: 100,
      description: "The cells of the rows.",
      examples: [[["DE1042", "Ada Byron"]]],
    }),
  },
  { additionalProperties: false, description: "Rows of a file. Absent: the example rows of the definition." },
);

/** Without a body, `from_table` proposes a definition. */
const NewTargetBody = Type.Unsafe<Static<typeof NewTarget> | null>({
  ...NewTarget,
  type: ["object", "null"],
});

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

const NewVersion = Type.Object(
  {
    ...Definition.properties,
    version: Type.Optional(
      Type.Integer({
        minimum: 1,
        description:
          "The version that you changed. If there is a later one by now, the answer is 409. Absent: any.",
        examples: [2],
      }),
    ),
  },
  { additionalProperties: false },
);

export function targetDefinitionRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["targets"], roles: ["admin"] }, (app, shared) => {
    app.post(
      "/api/v1/targets",
      {
        bodyLimit: BODY_BYTES,
        schema: {
          ...shared,
          operationId: "createTarget",
          summary: "Define a target",
          description:
            "Saves version 1 of a target, so that users can upload for it at once. The destination is checked first. " +
            "With `from_table` and no body, it proposes a definition for a table and saves nothing.",
          querystring: FromTable,
          body: NewTargetBody,
          response: {
            200: ProposalView,
            201: SavedDefinitionView,
            ...problems(400, 401, 403, 409, 413, 415),
          },
        },
      },
      async ({ ctx, query, body }, reply) => {
        if (query.from_table !== undefined) {
          if (body) throw invalidField("from_table", "proposes a definition. Send it without a body.");
          const { notes, ...proposal } = await proposeTarget(ctx, query.from_table);
          return { ...proposal, notes: [...notes] };
        }
        if (!body) throw invalidField("body", "is missing. Send a definition, or `from_table`.");
        const { name, ...definition } = body;
        const saved = await createTarget(ctx, name, definition);
        return reply.code(201).header("location", `/api/v1/targets/${name}`).send(viewSaved(saved));
      },
    );

    app.post(
      "/api/v1/targets/preview",
      {
        bodyLimit: BODY_BYTES,
        schema: {
          ...shared,
          operationId: "previewTarget",
          summary: "Try a definition",
          description:
            "Runs rows through a definition that is not saved, as an import would. For a table, the rows are written and rolled back.",
          body: Type.Object(
            {
              definition: Type.Unsafe<Definition>(Type.Ref("TargetDefinition")),
              sample: Type.Optional(Sample),
            },
            { additionalProperties: false },
          ),
          response: { 200: DefinitionTestView, ...problems(400, 401, 403, 413, 415) },
        },
      },
      async ({ ctx, body }) => {
        const { definition, sample = examplesOf(definition) } = body;
        return viewTest(await testDefinition(ctx, null, definition, sample));
      },
    );

    app.post(
      "/api/v1/targets/:name/test",
      {
        bodyLimit: BODY_BYTES,
        schema: {
          ...shared,
          operationId: "testTarget",
          summary: "Test a target",
          description:
            "Runs its example rows, or those of the body, as an import would. For a table, the rows are written and rolled back.",
          params: Params,
          body: Type.Unsafe<{ sample?: Static<typeof Sample> } | null>({
            ...Type.Object({ sample: Type.Optional(Sample) }, { additionalProperties: false }),
            type: ["object", "null"],
          }),
          response: { 200: DefinitionTestView, ...problems(400, 401, 403, 404, 413, 415) },
        },
      },
      async ({ ctx, params, body }) => {
        const { definition } = await getDefinition(ctx, params.name);
        return viewTest(
          await testDefinition(ctx, params.name, definition, body?.sample ?? examplesOf(definition)),
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
        schema: {
          ...shared,
          operationId: "updateTarget",
          summary: "Save a new version of a target",
          description:
            "Uploads that begin after it use the new version. Batches keep the version that they began with.",
          params: Params,
          body: NewVersion,
          response: { 200: SavedDefinitionView, ...problems(400, 401, 403, 404, 409, 413, 415) },
        },
      },
      async ({ ctx, params, body: { version, ...definition } }) =>
        viewSaved(await updateTarget(ctx, params.name, definition, version ?? null)),
    );

    app.delete(
      "/api/v1/targets/:name",
      {
        schema: {
          ...shared,
          operationId: "deleteTarget",
          summary: "Delete a target",
          description:
            "No upload can begin after this. Batches that have begun go on, and can be retried and undone. Built-in targets stay.",
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
