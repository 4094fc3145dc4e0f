export const STEPS = ["file", "preview", "columns", "options"] as const;

export type Step = (typeof STEPS)[number];

/** The step that corrects an option which the server refused. */
const STEP_OF_FIELD: Readonly<Record<string, Step>> = {
  file: "file",
  target: "file",
  sheet: "preview",
  encoding: "preview",
  delimiter: "preview",
  quote: "preview",
  header: "preview",
  skip_lines: "preview",
  mapping: "columns",
  columns: "columns",
};

export function stepOfField(field: string): Step {
  return STEP_OF_FIELD[field] ?? "options";
}
