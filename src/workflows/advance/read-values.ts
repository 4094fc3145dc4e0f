/** Reads the values that templates insert. */
import { sql } from "drizzle-orm";
import type { Tx } from "../../context.ts";
import { type StepState, type StepTask, stepState } from "../../schema/workflows.ts";
import { MAX_RENDERED_BYTES, MAX_RESULT_BYTES } from "../limits.ts";
import { locate, type Source } from "../templates/locate.ts";
import {
  mayHaveTemplates,
  parseTemplate,
  type Reference,
  TemplateError,
} from "../templates/parse-template.ts";
import type { Value } from "../templates/render-template.ts";
import { mapTexts } from "../templates/walk-texts.ts";
import type { NamedStep } from "./graph.ts";

export interface Reader {
  readonly position: number;
  readonly task: StepTask;
}

interface Lookup {
  /** The position of the step that has the template. */
  readonly reader: number;
  readonly position: number;
  readonly part: Reference["part"];
  readonly path: readonly string[];
}

type Found = {
  readonly key: number;
  readonly state: StepState;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly resultBytes: number | null;
  readonly hasResult: boolean;
  readonly isFound: boolean;
  readonly bytes: number;
  readonly total: number;
  readonly value: unknown;
};

/**
 * Reads the values for the templates of some steps, in one statement. The values of a step with more than
 * MAX_RENDERED_BYTES stay in the database.
 * @returns a function that returns the value of a template. It throws TemplateError if there is no such value.
 */
export async function readValues(
  tx: Tx,
  workflowId: string,
  graph: readonly NamedStep[],
  readers: readonly Reader[],
): Promise<(reader: number, reference: Reference) => Value> {
  const positions = new Map(graph.map(({ name }, position) => [name, position]));
  const sourceOf = (reader: number, reference: Reference): Source =>
    locate(reference, {
      dependsOn: graph[reader]?.dependsOn ?? [],
      positionOf: (name) => positions.get(name),
    });
  const lookups = new Map<string, Lookup>();
  for (const { position: reader, task } of readers) {
    for (const reference of referencesOf(task)) {
      const { positions, part, path } = sourceOf(reader, reference);
      for (const position of positions) {
        const lookup = { reader, position, part, path };
        lookups.set(keyOf(lookup), lookup);
      }
    }
  }
  const found = await look(tx, workflowId, [...lookups.values()]);
  const byKey = new Map([...lookups.keys()].map((key, index) => [key, found.get(index)]));
  return (reader, reference) => {
    const { positions, isList, part, path } = sourceOf(reader, reference);
    const values = positions.map((position) => {
      const one = byKey.get(keyOf({ reader, position, part, path }));
      return readOne(one, part, path, reference, graph[position]?.name ?? "");
    });
    const [first] = values;
    if (!isList && first) return first;
    const bytes = values.reduce((sum, value) => sum + value.bytes + 1, 2);
    return { value: values.map(({ value }) => value), bytes };
  };
}

function keyOf({ reader, position, part, path }: Lookup): string {
  return [reader, position, part, ...path].join("/");
}

function referencesOf({ params, fileId, filePath }: StepTask): Reference[] {
  const found: Reference[] = [];
  mapTexts([params, fileId, filePath], "", (text) => {
    if (mayHaveTemplates(text))
      found.push(...parseTemplate(text).filter((piece) => typeof piece !== "string"));
    return text;
  });
  return found;
}

async function look(tx: Tx, workflowId: string, lookups: readonly Lookup[]): Promise<Map<number, Found>> {
  if (lookups.length === 0) return new Map();
  const json = JSON.stringify(lookups.map((lookup, key) => ({ ...lookup, key })));
  const { rows } = await tx.db.execute<Found>(sql`
    SELECT key, state, error_code AS "errorCode", error_message AS "errorMessage", result_bytes AS "resultBytes",
      has_result AS "hasResult", value IS NOT NULL AS "isFound", bytes, total::float8 AS total,
      CASE WHEN total <= ${MAX_RENDERED_BYTES} THEN value END AS value
    FROM (
      SELECT lookup.key, step.state, step.error_code, step.error_message, step.result_bytes,
        step.result IS NOT NULL AS has_result, found.value, coalesce(octet_length(found.value::text), 4) AS bytes,
        sum(octet_length(found.value::text)) OVER (PARTITION BY lookup.reader) AS total
      FROM json_to_recordset(${json}::json) AS lookup (key int, reader int, position smallint, part text, path json)
      JOIN rowmill.workflow_steps AS step ON step.workflow_id = ${workflowId} AND step.position = lookup.position
      CROSS JOIN LATERAL (
        SELECT CASE WHEN lookup.part = 'result'
          THEN step.result #> ARRAY(SELECT json_array_elements_text(lookup.path)) END AS value
      ) AS found
    ) AS measured`);
  return new Map(rows.map((row) => [row.key, row]));
}

function readOne(
  found: Found | undefined,
  part: Reference["part"],
  path: readonly string[],
  { text }: Reference,
  name: string,
): Value {
  if (!found) throw new TemplateError(`\`{{${text}}}\`: the step "${name}" does not exist any more.`);
  const { state, errorCode, errorMessage } = found;
  if (part === "state") return measured(stepState.enumValues.find((known) => known === state) ?? state);
  if (part === "error") {
    const error = errorCode === null ? null : { code: errorCode, message: errorMessage };
    return measured(path[0] === undefined || !error ? error : error[path[0] as "code" | "message"]);
  }
  if (found.total > MAX_RENDERED_BYTES) {
    throw new TemplateError(
      `The results that the templates insert have ${found.total} bytes. The limit is ${MAX_RENDERED_BYTES}. Refer to ` +
        "single fields of results.",
    );
  }
  // A step without a result has failed or was skipped.
  if (state !== "completed" || found.isFound) return { value: found.value, bytes: found.bytes };
  if (!found.hasResult) {
    throw new TemplateError(
      `\`{{${text}}}\`: the result of "${name}" has ${found.resultBytes ?? 0} bytes. Results of more than ${MAX_RESULT_BYTES} ` +
        "bytes are not passed on.",
    );
  }
  throw new TemplateError(`\`{{${text}}}\`: the result of "${name}" has no field "${path.join(".")}".`);
}

function measured(value: unknown): Value {
  return { value, bytes: Buffer.byteLength(JSON.stringify(value)) };
}
