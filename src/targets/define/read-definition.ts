/** Reads definitions from requests. Unknown fields are refused: a typo would leave out a rule. */
import Type, { type Static } from "typebox";
import { Compile } from "typebox/compile";
import { parseBody } from "../../platform/http/body.ts";
import { Definition, TargetName } from "../definition/definition.ts";
import {
  DESTINATION_TYPES,
  HttpDestination,
  RecordsDestination,
  TableDestination,
} from "../definition/destination.ts";
import { DEFINITION_EXAMPLE } from "../definition/example.ts";
import type { Sample } from "./test-definition.ts";

const closed = { additionalProperties: false };

/** The destination is checked on its own, so that errors are about the fields of its type. */
const anyDestination = Type.Object({ type: Type.Enum(DESTINATION_TYPES) });
const fields = { ...Definition.properties, destination: anyDestination };

const tableCheck = Compile(TableDestination);
const httpCheck = Compile(HttpDestination);
const recordsCheck = Compile(RecordsDestination);

const SampleBody = Type.Object(
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
  { ...closed, description: "Rows of a file. Absent: the example rows of the definition." },
);

const expectedVersion = {
  version: Type.Optional(
    Type.Integer({
      minimum: 1,
      description:
        "The version that you changed. If there is a later one by now, the answer is 409. Absent: any.",
      examples: [2],
    }),
  ),
};

/** For the OpenAPI document. */
export const NewTargetBody = Type.Object(
  { name: TargetName, ...Definition.properties },
  { ...closed, examples: [{ name: "customers", ...DEFINITION_EXAMPLE }] },
);
export const NewVersionBody = Type.Object(
  { ...Definition.properties, ...expectedVersion },
  { ...closed, examples: [{ ...DEFINITION_EXAMPLE, version: 2 }] },
);
export const PreviewBody = Type.Object(
  {
    definition: Type.Object(Definition.properties, {
      ...closed,
      description: "The definition to try.",
      examples: [DEFINITION_EXAMPLE],
    }),
    sample: Type.Optional(SampleBody),
  },
  closed,
);
export const TestBody = Type.Object({ sample: Type.Optional(SampleBody) }, closed);

const newTargetCheck = Compile(Type.Object({ name: TargetName, ...fields }, closed));
const newVersionCheck = Compile(Type.Object({ ...fields, ...expectedVersion }, closed));
const previewCheck = Compile(
  Type.Object({ definition: Type.Object(fields, closed), sample: Type.Optional(SampleBody) }, closed),
);
const testCheck = Compile(TestBody);

/** @throws DomainError `invalid_input` that names the fields */
export function readNewTarget(body: unknown): { name: string; definition: Definition } {
  const { name, ...definition } = parseBody(newTargetCheck, body);
  return { name, definition: withDestination(definition) };
}

/** @throws DomainError `invalid_input` that names the fields */
export function readNewVersion(body: unknown): { version: number | null; definition: Definition } {
  const { version = null, ...definition } = parseBody(newVersionCheck, body);
  return { version, definition: withDestination(definition) };
}

/** @throws DomainError `invalid_input` that names the fields */
export function readPreview(body: unknown): { definition: Definition; sample: Sample | null } {
  const { definition, sample = null } = parseBody(previewCheck, body);
  return { definition: withDestination(definition, "definition.destination"), sample };
}

/** @throws DomainError `invalid_input` that names the fields */
export function readTest(body: unknown): Sample | null {
  return parseBody(testCheck, body).sample ?? null;
}

function readDestination(
  destination: Static<typeof anyDestination>,
  path: string,
): Definition["destination"] {
  switch (destination.type) {
    case "table":
      return parseBody(tableCheck, destination, path);
    case "http":
      return parseBody(httpCheck, destination, path);
    case "records":
      return parseBody(recordsCheck, destination, path);
  }
}

type Unchecked = Omit<Definition, "destination"> & { readonly destination: Static<typeof anyDestination> };

function withDestination(unchecked: Unchecked, path = "destination"): Definition {
  const { destination, ...definition } = unchecked;
  return { ...definition, destination: readDestination(destination, path) };
}
