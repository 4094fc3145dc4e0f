/** Collects what is wrong with a definition, by the paths of its fields. */
import type { FieldErrors } from "../../errors.ts";

export class FoundProblems {
  readonly errors: FieldErrors = {};

  /** @param path such as `columns.3.pattern` */
  add(path: string, message: string): void {
    const messages = Object.hasOwn(this.errors, path) ? this.errors[path] : undefined;
    if (messages) messages.push(message);
    else this.errors[path] = [message];
  }

  addAll(errors: FieldErrors): void {
    for (const [path, messages] of Object.entries(errors))
      for (const message of messages) this.add(path, message);
  }
}
