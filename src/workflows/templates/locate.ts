import { type Reference, TemplateError } from "./parse-template.ts";

/** The values that a template stands for. */
export interface Source {
  /** The positions of the steps. */
  readonly positions: readonly number[];
  /** Whether the value is the list of the values of all positions. */
  readonly isList: boolean;
  readonly part: Reference["part"];
  readonly path: readonly string[];
}

interface Reader {
  /** The positions of its dependencies. */
  readonly dependsOn: readonly number[];
  readonly positionOf: (name: string) => number | undefined;
}

/** Finds the steps that a template of this step names. @throws TemplateError if there is no such step */
export function locate({ of, part, path, text }: Reference, { dependsOn, positionOf }: Reader): Source {
  const one = (position: number, rest = path): Source => ({
    positions: [position],
    isList: false,
    part,
    path: rest,
  });
  if (of === "previous") {
    const [previous, second] = dependsOn;
    if (previous !== undefined && second === undefined) return one(previous);
    throw new TemplateError(
      `has \`{{${text}}}\`, but the step has ${dependsOn.length} dependencies. It needs exactly one.`,
    );
  }
  if (of === "all") {
    const [index, ...rest] = path;
    if (index === undefined) return { positions: dependsOn, isList: true, part, path };
    const position = /^\d{1,4}$/.test(index) ? dependsOn[Number(index)] : undefined;
    if (position !== undefined) return one(position, rest);
    throw new TemplateError(
      `has \`{{${text}}}\`, but \`results\` is a list of ${dependsOn.length}, counted from 0.`,
    );
  }
  const position = positionOf(of.name);
  if (position === undefined)
    throw new TemplateError(`has \`{{${text}}}\`, but no step has the name "${of.name}".`);
  return one(position);
}
