/** What is wrong with a field, in the words that clients of Django REST Framework know. */
import type { FastifyError, FastifyInstance } from "fastify";
import { DomainError, type FieldErrors } from "../errors.ts";

type Failure = NonNullable<FastifyError["validation"]>[number];

const TEXTS: Readonly<Record<string, (params: Failure["params"]) => string>> = {
  required: () => "This field is required.",
  minLength: ({ limit }) =>
    limit === 1 ? "This field may not be blank." : `Ensure this field has at least ${limit} characters.`,
  maxLength: ({ limit }) => `Ensure this field has no more than ${limit} characters.`,
  type: ({ type }) => (type === "string" ? "Not a valid string." : `A valid ${type} is required.`),
  enum: () => "Not a valid choice.",
};

/** For the routes of this plugin. Everything but the texts is answered as everywhere. */
export function speakAsDjango(app: FastifyInstance): void {
  app.setErrorHandler<FastifyError>((error) => {
    if (error.validationContext !== "body" || !error.validation) throw error;
    const fieldErrors: FieldErrors = {};
    for (const { instancePath, keyword, message = "Not valid.", params } of error.validation) {
      const missing = keyword === "required" ? `/${params.missingProperty}` : "";
      const field = (instancePath + missing).slice(1).replaceAll("/", ".") || "non_field_errors";
      const text = TEXTS[keyword]?.(params) ?? message;
      fieldErrors[field] = [...(fieldErrors[field] ?? []), text];
    }
    const detail = Object.entries(fieldErrors).map(([field, texts]) => `${field}: ${texts.join(" ")}`);
    throw new DomainError("invalid_input", detail.join(" "), { fieldErrors, cause: error });
  });
}
