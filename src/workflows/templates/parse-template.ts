/** Templates in the texts of a step: `{{steps.report.result.total_requests}}`. */
import { SECRET_NAME } from "../../secrets/names.ts";

type Part = "result" | "error" | "state";

/** A value of a step that ends before. */
export interface Reference {
  /** The text between the braces, for messages. */
  readonly text: string;
  /** A name; `previous`: the only dependency; `all`: the results of all dependencies, or of one of them. */
  readonly of: { readonly name: string } | "previous" | "all";
  readonly part: Part;
  readonly path: readonly string[];
}

export type Piece = string | Reference;

/** The message follows the name of the field. */
export class TemplateError extends Error {
  override name = "TemplateError";
}

const TEMPLATE = /\{\{(.*?)\}\}/gs;
const SEGMENT = /^[A-Za-z0-9_-]+$/;
const MAX_TEXT = 200;

/** `{{"{{"}}` stands for two braces. */
const LITERAL = '"{{"';

/** `{{secret:NAME}}` stays as it is: it gets its value when the request of the step is sent. */
const SECRET = new RegExp(`^secret:${SECRET_NAME.slice(1)}`);

export function mayHaveTemplates(text: string): boolean {
  return text.includes("{{");
}

/** @throws TemplateError if a template has another syntax */
export function parseTemplate(text: string): Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(TEMPLATE)) {
    pieces.push(requireNoBraces(text.slice(end, match.index)), parseExpression((match[1] ?? "").trim()));
    end = match.index + match[0].length;
  }
  pieces.push(requireNoBraces(text.slice(end)));
  return pieces.filter((piece) => piece !== "");
}

function requireNoBraces(text: string): string {
  if (!text.includes("{{")) return text;
  throw new TemplateError('has a template without its end `}}`. To write two braces, send `{{"{{"}}`.');
}

const SYNTAX =
  "Known templates: `{{steps.NAME.result}}`, `{{steps.NAME.result.FIELD}}`, `{{steps.NAME.error.code}}`, " +
  "`{{steps.NAME.error.message}}`, `{{steps.NAME.state}}`, `{{previous.result}}`, `{{results}}` and, in headers, `{{secret:NAME}}`.";

function parseExpression(text: string): Piece {
  if (text === LITERAL) return "{{";
  if (SECRET.test(text)) return `{{${text}}}`;
  const [head, ...rest] = text.split(".");
  if (rest.every((segment) => SEGMENT.test(segment))) {
    if (head === "results") return { text, of: "all", part: "result", path: rest };
    if (head === "previous") return partOf(text, "previous", rest);
    const [name, ...more] = rest;
    if (head === "steps" && name !== undefined) return partOf(text, { name }, more);
  }
  throw unknown(text);
}

function partOf(text: string, of: Reference["of"], [part, ...path]: readonly string[]): Reference {
  if (part === "result") return { text, of, part, path };
  if (part === "state" && path.length === 0) return { text, of, part, path };
  const isError = path.length === 0 || (path.length === 1 && ["code", "message"].includes(path[0] ?? ""));
  if (part === "error" && isError) return { text, of, part, path };
  throw unknown(text);
}

function unknown(text: string): TemplateError {
  return new TemplateError(`has the unknown template \`{{${text.slice(0, MAX_TEXT)}}}\`. ${SYNTAX}`);
}
