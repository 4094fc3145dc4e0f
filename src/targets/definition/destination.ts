import Type, { type Static } from "typebox";
import { MapOf } from "../../platform/http/schemas.ts";
import { closed, Name, Text } from "./fields.ts";

export const DESTINATION_TYPES = ["table", "http", "records"] as const;

export const TableDestination = Type.Object(
  {
    type: Type.Literal("table"),
    schema: Name("The schema of the table.", ["shop"]),
    table: Name("The table.", ["customers"]),
  },
  { ...closed, description: "A table of the database of Rowmill." },
);

export const HttpDestination = Type.Object(
  {
    type: Type.Literal("http"),
    url: Text(2000, "The URL that rows are sent to.", ["https://example.com/customers"]),
    headers: Type.Optional(
      MapOf(Type.String({ maxLength: 2000, pattern: "^[\\t\\x20-\\x7e]*$" }), {
        maxProperties: 20,
        description: "Headers of requests. `{{secret:NAME}}` stands for a secret.",
        examples: [{ authorization: "Bearer {{secret:SHOP_TOKEN}}" }],
      }),
    ),
    sign_with: Type.Optional(
      Text(64, "The name of the secret that signs requests (Standard Webhooks).", ["SHOP_SIGNING"]),
    ),
    batch_size: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 500,
        description: "The greatest number of rows per request. Default: 100",
      }),
    ),
    max_in_flight: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 10,
        description: "The greatest number of requests at a time, over all workers and batches. Default: 2",
      }),
    ),
    rows_per_second: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 100_000, description: "Default: no limit" }),
    ),
    timeout_seconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 300, description: "Default: 30" })),
    trust_empty: Type.Optional(
      Type.Boolean({
        description:
          "Whether an answer 200 or 204 without a body means that all rows succeeded. Default: false",
      }),
    ),
    supports_dry_run: Type.Optional(
      Type.Boolean({ description: "Whether dry runs are sent, with `dry_run: true`. Default: false" }),
    ),
    undo_url: Type.Optional(
      Text(2000, "The URL that undone rows are sent to. Without it, batches cannot be undone."),
    ),
  },
  { ...closed, description: "An HTTP endpoint." },
);

export const RecordsDestination = Type.Object(
  { type: Type.Literal("records") },
  { ...closed, description: "The records of Rowmill, as JSON with typed values." },
);

export type TableDestination = Static<typeof TableDestination>;
export type HttpDestination = Static<typeof HttpDestination>;

/** With the discriminator, ajv checks a destination as one of its type, and names the errors of that type only. */
export const Destination = Type.Unsafe<
  TableDestination | HttpDestination | Static<typeof RecordsDestination>
>({
  type: "object",
  required: ["type"],
  discriminator: { propertyName: "type" },
  oneOf: [TableDestination, HttpDestination, RecordsDestination],
  description: "What rows become.",
});
