/** Definitions and their tests in answers. */
import Type, { type Static } from "typebox";
import { MapOf, Moment, nullable } from "../../platform/http/schemas.ts";
import { TargetName } from "../definition/definition.ts";
import type { StoredDefinition } from "./queries.ts";
import type { SavedDefinition } from "./save-definition.ts";
import type { DefinitionTest } from "./test-definition.ts";

const Notes = Type.Array(
  Type.String({ examples: ["The trigger orders_audit runs shop.audit(), which ada owns."] }),
  {
    description: "Facts about the destination that you should know.",
  },
);

export const StoredDefinitionView = Type.Object(
  {
    name: TargetName,
    version: Type.Integer({ description: "The version. It never changes.", examples: [3] }),
    saved_at: Moment("When the version was saved."),
    saved_by: nullable(
      Type.String({ examples: ["ada"] }),
      "The username of the administrator who saved the version. null: the account does not exist any more.",
    ),
    definition: Type.Ref("TargetDefinition"),
  },
  { description: "A version of a target." },
);

export const SavedDefinitionView = Type.Object(
  { ...StoredDefinitionView.properties, notes: Notes },
  { description: "The version that was saved." },
);

export const ProposalView = Type.Object(
  {
    name: Type.String({ description: "A name for the target.", examples: ["customers"] }),
    version: Type.Null({ description: "Nothing is saved." }),
    definition: Type.Ref("TargetDefinition"),
    notes: Notes,
  },
  { description: "A definition to start with. Nothing is saved." },
);

const TestedRow = Type.Object({
  row: Type.Integer({
    description: "The number of the row, from 2 as in a file with a header.",
    examples: [2],
  }),
  status: Type.Enum(["success", "failed"], { description: "How the row would end." }),
  effect: nullable(
    Type.Enum(["created", "updated", "unchanged"]),
    "What the row would do to its record. null: it fails, or the destination is not asked.",
  ),
  values: nullable(
    MapOf(nullable(Type.String(), "null: the column is set to null.")),
    "The values as they are written. A column that is not here gets its default, or stays as it is. null: the row fails.",
  ),
  errors: Type.Array(
    Type.Object({
      column: nullable(Type.String({ examples: ["born"] }), "The column. null: the row as a whole."),
      code: Type.String({ description: "The code.", examples: ["invalid_date"] }),
      message: Type.String({
        description: "What is wrong, for the person who edits the file.",
        examples: ['Born "31.02.2020" is not a date: February 2020 has 29 days'],
      }),
    }),
    { description: "All broken rules." },
  ),
});

export const DefinitionTestView = Type.Object(
  {
    succeeded: Type.Integer({ description: "The rows that would succeed.", examples: [19] }),
    failed: Type.Integer({ description: "The rows that would fail.", examples: [1] }),
    rows: Type.Array(TestedRow, { description: "The rows in their order." }),
    unknown: Type.Array(Type.String({ examples: ["Notes"] }), {
      description: "The columns of the sample that the target does not know.",
    }),
    mapping: MapOf(Type.String(), {
      description: "The columns of the target that the sample has, and their names in the sample.",
      examples: [{ external_id: "Customer no." }],
    }),
    missing: Type.Array(Type.String({ examples: ["full_name"] }), {
      description: "The required columns that the sample does not have.",
    }),
    ambiguous_dates: Type.Array(
      Type.Object({
        column: Type.String({ description: "The column.", examples: ["born"] }),
        cell: Type.String({ description: "The first cell that has two meanings.", examples: ["03.04.2026"] }),
        read_as: Type.String({ description: "How the definition reads it.", examples: ["2026-04-03"] }),
      }),
      {
        description:
          "The columns whose dates fit both day first and month first. Set `formats`, or `date_order` of the locale.",
      },
    ),
    notes: Notes,
  },
  { description: "What an import of the rows would do. Nothing was written." },
);

export function viewStored({ name, version, savedAt, savedBy, definition }: StoredDefinition) {
  return { name, version, saved_at: savedAt.toISOString(), saved_by: savedBy, definition };
}

export function viewSaved(saved: SavedDefinition): Static<typeof SavedDefinitionView> {
  return { ...viewStored(saved), notes: [...saved.notes] };
}

export function viewTest({ rows, mapping, unknown, missing, ambiguousDates, notes }: DefinitionTest) {
  const failed = rows.filter(({ errors }) => errors.length > 0).length;
  return {
    succeeded: rows.length - failed,
    failed,
    rows: rows.map(({ row, effect, values, errors }) => ({
      row,
      status: errors.length === 0 ? ("success" as const) : ("failed" as const),
      effect,
      values: values && { ...values },
      errors: [...errors],
    })),
    mapping: { ...mapping },
    unknown: [...unknown],
    missing: [...missing],
    ambiguous_dates: ambiguousDates.map(({ column, cell, readAs }) => ({ column, cell, read_as: readAs })),
    notes: [...notes],
  };
}
