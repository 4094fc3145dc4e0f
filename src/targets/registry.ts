import { invalidField } from "../errors.ts";
import { booksTarget } from "./books.ts";
import type { Target } from "./target.ts";

/** Every target, by name. A new one is its file and a line here. */
const targets: ReadonlyMap<string, Target> = new Map([booksTarget].map((target) => [target.name, target]));

export const targetNames: readonly string[] = [...targets.keys()];

/** @throws DomainError `invalid_input` where there is no such target */
export function targetNamed(name: string): Target {
  const target = targets.get(name);
  if (!target) throw invalidField("target", `"${name}" is not one of: ${targetNames.join(", ")}.`);
  return target;
}
