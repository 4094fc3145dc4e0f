import { Modal, type ModalProps, Text } from "@mantine/core";
import { useReturnFocus } from "./return-focus.ts";

interface DialogProps extends Omit<ModalProps, "opened" | "title"> {
  readonly title: string;
}

/** A question or an item above the page, for as long as it is rendered. */
export function Dialog({ title, ...props }: DialogProps) {
  useReturnFocus();
  return <Modal opened title={<Text fw={650}>{title}</Text>} {...props} />;
}
