/** Changes of the text of a cell, in their order. */
import { ActionIcon, Button, Group, Stack, Text } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { targetFormWords } from "../../../../words/target-form.ts";
import type { Transform } from "../definition/definition.ts";
import { type Bound, bindTo, useShared } from "./bound.ts";
import { ChoiceField, NumberField, TextField } from "./inputs.tsx";

const words = targetFormWords.transforms;

type Kind = keyof typeof words.kinds;

const KINDS = Object.entries(words.kinds) as [Kind, string][];
const MAX_TRANSFORMS = 10;

export function TransformsField({ field }: { readonly field: Bound<Transform[]> }) {
  const { value: transforms = [], path } = field;
  const { disabled } = useShared(path);
  const set = (next: Transform[]) => field.set(next.length > 0 ? next : undefined);
  return (
    <Stack gap="xs" role="group" aria-label={words.heading}>
      <Text size="sm" fw={500}>
        {words.heading}{" "}
        <Text span size="xs" c="dimmed">
          {words.hint}
        </Text>
      </Text>
      {transforms.map((transform, at) => (
        <Group key={at} gap="xs" align="flex-end">
          <ChoiceField
            label={words.kind(at + 1)}
            options={KINDS}
            field={{
              value: kindOf(transform),
              path: `${path}.${at}`,
              set: (kind) => kind && set(transforms.with(at, newTransform(kind))),
            }}
          />
          <TransformFields
            transform={transform}
            path={`${path}.${at}`}
            onChange={(next) => set(transforms.with(at, next))}
          />
          {!disabled && (
            <ActionIcon
              variant="subtle"
              color="gray"
              size="lg"
              aria-label={words.remove(at + 1)}
              onClick={() => set(transforms.filter((_, position) => position !== at))}
            >
              <IconTrash size={16} aria-hidden />
            </ActionIcon>
          )}
        </Group>
      ))}
      {!disabled && transforms.length < MAX_TRANSFORMS && (
        <Button
          variant="default"
          size="xs"
          w="fit-content"
          leftSection={<IconPlus size={14} aria-hidden />}
          onClick={() => set([...transforms, "trim"])}
        >
          {words.add}
        </Button>
      )}
    </Stack>
  );
}

function kindOf(transform: Transform): Kind {
  const name = typeof transform === "string" ? transform : Object.keys(transform)[0];
  return KINDS.find(([kind]) => kind === name)?.[0] ?? "trim";
}

function newTransform(kind: Kind): Transform {
  switch (kind) {
    case "strip_prefix":
      return { strip_prefix: "" };
    case "replace":
      return { replace: { from: "", to: "" } };
    case "split_take":
      return { split_take: { separator: ",", index: 0 } };
    case "e164":
      return { e164: { country_code: "" } };
    default:
      return kind;
  }
}

interface TransformFieldsProps {
  readonly transform: Transform;
  readonly path: string;
  readonly onChange: (transform: Transform) => void;
}

function TransformFields({ transform, path, onChange }: TransformFieldsProps) {
  if (typeof transform === "string") return null;
  if ("strip_prefix" in transform)
    return (
      <TextField label={words.prefix} isRequired field={bindTo(transform, path, onChange)("strip_prefix")} />
    );
  if ("replace" in transform) {
    const bind = bindTo(transform.replace, `${path}.replace`, (replace) => onChange({ replace }));
    return (
      <>
        <TextField label={words.from} isRequired field={bind("from")} />
        <TextField label={words.to} isRequired field={bind("to")} />
      </>
    );
  }
  if ("split_take" in transform) {
    const { split_take: split } = transform;
    const bind = bindTo(split, `${path}.split_take`, (split_take) => onChange({ split_take }));
    return (
      <>
        <TextField label={words.separator} isRequired field={bind("separator")} />
        <NumberField label={words.index} min={-20} max={20} field={bind("index")} />
      </>
    );
  }
  const bind = bindTo(transform.e164, `${path}.e164`, (e164) => onChange({ e164 }));
  return <TextField label={words.country} isRequired field={bind("country_code")} />;
}
