/** The state of a form while it is sent, and its failures. */
import { Alert, Text } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { RowmillError } from "../api/client.ts";
import { words } from "../words/common.ts";
import { messageOf } from "./feedback.tsx";
import { useIsShown } from "./use-is-shown.ts";

export interface Form {
  readonly error: unknown;
  readonly isRunning: boolean;
  readonly submit: () => Promise<void>;
  /** For `onSubmit` of a form. */
  readonly onSubmit: (event: FormEvent) => void;
}

/** @param onDone unless the user has closed the form in the meantime: something else may be open by then */
export function useForm<T>(run: () => Promise<T>, onDone?: (result: T) => void): Form {
  const isShown = useIsShown();
  const [error, setError] = useState<unknown>(null);
  const [isRunning, setRunning] = useState(false);
  const submit = async () => {
    setRunning(true);
    setError(null);
    try {
      const result = await run();
      if (isShown()) onDone?.(result);
    } catch (cause) {
      setError(cause);
    } finally {
      setRunning(false);
    }
  };
  return {
    error,
    isRunning,
    submit,
    onSubmit: (event) => {
      event.preventDefault();
      void submit();
    },
  };
}

/** A failure that none of these fields shows. */
export function FormFailure({ error, fields = [] }: { error: unknown; fields?: readonly string[] }) {
  if (error === null) return null;
  if (error instanceof RowmillError) {
    const names = Object.keys(error.field_errors);
    if (names.length > 0 && names.every((name) => fields.includes(name))) return null;
  }
  return (
    <Alert color="red" role="alert">
      <Text size="sm">{messageOf(error)}</Text>
      {error instanceof RowmillError && error.request_id && (
        <Text size="xs" c="dimmed" ff="monospace">
          {words.requestId(error.request_id)}
        </Text>
      )}
    </Alert>
  );
}
