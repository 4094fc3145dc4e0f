/** Connects fields of a form to the fields of a definition, and to the errors that the API has found there. */
import { createContext, useContext } from "react";
import { withField } from "../definition/definition.ts";
import { type Problems, problemAt } from "../definition/problems.ts";

export interface Bound<T> {
  readonly value: T | undefined;
  /** As in `field_errors` of the API. */
  readonly path: string;
  readonly set: (value: T | undefined) => void;
}

/** Returns a function that connects one field of an object. */
export function bindTo<T extends object>(object: T, path: string, onChange: (next: T) => void) {
  return <K extends keyof T & string>(name: K): Bound<Exclude<T[K], undefined>> => ({
    value: object[name] as Exclude<T[K], undefined> | undefined,
    path: path === "" ? name : `${path}.${name}`,
    set: (value) => onChange(withField(object, name, value)),
  });
}

interface FormState {
  readonly problems: Problems;
  readonly isReadOnly: boolean;
}

export const FormContext = createContext<FormState>({ problems: {}, isReadOnly: false });

/** Properties that every input has. */
export function useShared(path: string) {
  const { problems, isReadOnly } = useContext(FormContext);
  return { error: problemAt(problems, path), disabled: isReadOnly };
}
