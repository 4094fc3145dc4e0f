/** Asks before something that cannot be taken back. */
import { Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { words } from "../words/common.ts";
import { showFailure } from "./feedback.tsx";

interface ConfirmProps {
  readonly isOpen: boolean;
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

export function Confirm({ isOpen, onClose, title, children, action, isDangerous, typed, run }: ConfirmProps) {
  const [text, setText] = useState("");
  const [isRunning, setRunning] = useState(false);
  const close = () => {
    setText("");
    onClose();
  };
  const submit = async () => {
    setRunning(true);
    try {
      await run();
      close();
    } catch (error) {
      showFailure(error);
    } finally {
      setRunning(false);
    }
  };
  return (
    <Modal opened={isOpen} onClose={close} title={<Text fw={650}>{title}</Text>}>
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
    </Modal>
  );
}
