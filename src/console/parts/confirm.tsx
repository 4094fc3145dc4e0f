/** Asks before something that cannot be taken back. */
import { Button, Group, Stack, Text, TextInput } from "@mantine/core";
import { type ReactNode, useRef, useState } from "react";
import { words } from "../words/common.ts";
import { Dialog } from "./dialog.tsx";
import { showFailure } from "./feedback.tsx";

interface QuestionProps {
  readonly onClose: () => void;
  readonly title: string;
  readonly children: ReactNode;
  /** The name of the action, as on its button. */
  readonly action: string;
  readonly isDangerous?: boolean;
  /** The user has to type this first, such as a count or a name. */
  readonly typed?: { readonly value: string; readonly label: string };
  readonly run: () => Promise<unknown>;
}

export function Confirm({ isOpen, ...props }: QuestionProps & { readonly isOpen: boolean }) {
  return isOpen && <Question {...props} />;
}

function Question({ onClose, title, children, action, isDangerous, typed, run }: QuestionProps) {
  const [text, setText] = useState("");
  const [isRunning, setRunning] = useState(false);
  const isClosed = useRef(false);
  const submit = async () => {
    setRunning(true);
    try {
      await run();
      // Another question may be open by now.
      if (!isClosed.current) onClose();
    } catch (error) {
      showFailure(error);
      setRunning(false);
    }
  };
  const close = () => {
    isClosed.current = true;
    onClose();
  };
  return (
    <Dialog title={title} onClose={close}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <Stack gap="md">
          <Text size="sm" component="div">
            {children}
          </Text>
          {typed && (
            <TextInput
              label={typed.label}
              value={text}
              onChange={({ currentTarget }) => setText(currentTarget.value)}
              autoComplete="off"
              data-autofocus
            />
          )}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={close}>
              {words.cancel}
            </Button>
            <Button
              type="submit"
              loading={isRunning}
              color={isDangerous ? "red" : ""}
              disabled={typed !== undefined && text.trim() !== typed.value}
            >
              {action}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
