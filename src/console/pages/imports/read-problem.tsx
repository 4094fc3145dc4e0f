import { Alert, List, Stack, Text } from "@mantine/core";
import "@mantine/core/styles/List.layer.css";
import { IconAlertTriangle } from "@tabler/icons-react";
import { importWords as words } from "../../words/imports.ts";
import type { PreviewProblem } from "./preview/messages.ts";

/** Why a file cannot be shown, and what to do. */
export function ReadProblem({ problem: { kind, message } }: { readonly problem: PreviewProblem }) {
  const title = {
    workbook: words.workbook.heading,
    unreadable: words.unreadable.heading,
    refused: words.refused,
  };
  return (
    <Alert
      color={kind === "workbook" ? "blue" : "red"}
      icon={<IconAlertTriangle aria-hidden />}
      title={title[kind]}
      role="alert"
    >
      {kind === "workbook" ? (
        <Stack gap="xs">
          <Text size="sm">{words.workbook.text}</Text>
          <List type="ordered" size="sm" spacing={4}>
            {words.workbook.steps.map((step) => (
              <List.Item key={step}>{step}</List.Item>
            ))}
          </List>
        </Stack>
      ) : (
        <Text size="sm">{kind === "unreadable" ? words.unreadable.text : message}</Text>
      )}
    </Alert>
  );
}
