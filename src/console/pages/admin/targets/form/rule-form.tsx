import { ActionIcon, Button, Group, SimpleGrid, Stack, Text } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useContext } from "react";
import { targetFormWords } from "../../../../words/target-form.ts";
import type { Column, Rule } from "../definition/definition.ts";
import { bindTo, FormContext } from "./bound.ts";
import { ChoiceField, FlagField, TextField, WordsField } from "./inputs.tsx";

const words = targetFormWords.rules;

type Conditions = NonNullable<Rule["if"]>;
type Condition = Conditions[string];
type Compare = NonNullable<Rule["compare"]>;

interface RuleFormProps {
  readonly rule: Rule;
  readonly path: string;
  readonly columns: readonly Column[];
  readonly onChange: (rule: Rule) => void;
  readonly onRemove: () => void;
}

export function RuleForm({ rule, path, columns, onChange, onRemove }: RuleFormProps) {
  const { isReadOnly } = useContext(FormContext);
  const bind = bindTo(rule, path, onChange);
  const known = columns.map(({ name }) => name);
  return (
    <Stack gap="sm" className="target-rule" role="group" aria-label={rule.name}>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <TextField
          label={words.name}
          hint={words.nameHint}
          isRequired
          isCode
          maxLength={60}
          field={bind("name")}
        />
        <TextField
          label={words.message}
          hint={words.messageHint}
          isRequired
          maxLength={300}
          field={bind("message")}
        />
      </SimpleGrid>
      <ConditionFields
        conditions={rule.if ?? {}}
        path={`${path}.if`}
        columns={columns}
        onChange={(next) => bind("if").set(Object.keys(next).length > 0 ? next : undefined)}
      />
      <SimpleGrid cols={{ base: 1, sm: 3 }}>
        <WordsField label={words.require} known={known} field={bind("require")} />
        <WordsField label={words.requireOne} known={known} field={bind("require_one")} />
        <WordsField label={words.forbid} known={known} field={bind("forbid")} />
      </SimpleGrid>
      <CompareFields rule={rule} path={path} columns={columns} onChange={onChange} />
      {!isReadOnly && (
        <Button
          variant="subtle"
          color="red"
          size="compact-xs"
          w="fit-content"
          leftSection={<IconTrash size={14} aria-hidden />}
          onClick={onRemove}
        >
          {words.remove}
        </Button>
      )}
    </Stack>
  );
}

const OPERATORS: readonly Compare["operator"][] = ["<", "<=", "=", "<>", ">=", ">"];

function CompareFields({ rule, path, columns, onChange }: Omit<RuleFormProps, "onRemove">) {
  const bind = bindTo(rule, path, onChange);
  const { compare } = rule;
  const names = columns.map(({ name }) => [name, name] as const);
  const [left = "", right = left] = columns.map(({ name }) => name);
  return (
    <>
      <FlagField
        label={words.compare}
        field={{
          value: compare !== undefined,
          path: `${path}.compare`,
          set: (isOn) => bind("compare").set(isOn ? { left, operator: "<=", right } : undefined),
        }}
      />
      {compare && (
        <SimpleGrid cols={{ base: 1, sm: 3 }}>
          <ChoiceField
            label={words.left}
            options={names}
            field={bindTo(compare, `${path}.compare`, bind("compare").set)("left")}
          />
          <ChoiceField
            label={words.operator}
            options={OPERATORS.map((operator) => [operator, operator])}
            field={bindTo(compare, `${path}.compare`, bind("compare").set)("operator")}
          />
          <ChoiceField
            label={words.right}
            options={names}
            field={bindTo(compare, `${path}.compare`, bind("compare").set)("right")}
          />
        </SimpleGrid>
      )}
    </>
  );
}

interface ConditionFieldsProps {
  readonly conditions: Conditions;
  readonly path: string;
  readonly columns: readonly Column[];
  readonly onChange: (conditions: Conditions) => void;
}

function ConditionFields({ conditions, path, columns, onChange }: ConditionFieldsProps) {
  const { isReadOnly } = useContext(FormContext);
  const entries = Object.entries(conditions);
  const free = columns.filter(({ name }) => !(name in conditions)).map(({ name }) => name);
  const set = (next: readonly (readonly [string, Condition])[]) => onChange(Object.fromEntries(next));
  return (
    <Stack gap="xs" role="group" aria-label={words.conditions}>
      <Text size="sm" fw={500}>
        {words.conditions}{" "}
        <Text span size="xs" c="dimmed">
          {words.conditionsHint}
        </Text>
      </Text>
      {entries.map(([name, condition], at) => (
        <Group key={name} gap="xs" align="flex-end" className="target-condition">
          <ChoiceField
            label={words.conditionColumn}
            options={[name, ...free].map((one) => [one, one])}
            field={{
              value: name,
              path: `${path}.${name}`,
              set: (chosen) => chosen && set(entries.with(at, [chosen, condition])),
            }}
          />
          <WordsField
            label={words.conditionValues}
            field={{
              value: textsOf(condition),
              path: `${path}.${name}.values`,
              set: (texts) => set(entries.with(at, [name, conditionOf(texts ?? [], typeOf(columns, name))])),
            }}
          />
          {!isReadOnly && (
            <ActionIcon
              variant="subtle"
              color="gray"
              size="lg"
              aria-label={words.removeCondition}
              onClick={() => set(entries.filter((_, position) => position !== at))}
            >
              <IconTrash size={16} aria-hidden />
            </ActionIcon>
          )}
        </Group>
      ))}
      {!isReadOnly && free.length > 0 && (
        <Button
          variant="default"
          size="compact-xs"
          w="fit-content"
          leftSection={<IconPlus size={14} aria-hidden />}
          onClick={() => set([...entries, [free[0] ?? "", null]])}
        >
          {words.addCondition}
        </Button>
      )}
    </Stack>
  );
}

function typeOf(columns: readonly Column[], name: string): Column["type"] {
  return columns.find((column) => column.name === name)?.type ?? "text";
}

function textsOf(condition: Condition): string[] {
  if (condition === null) return [];
  return Array.isArray(condition) ? condition.map(String) : [String(condition)];
}

/** Numbers and booleans of columns that have them are such in the JSON. */
function conditionOf(texts: readonly string[], type: Column["type"]): Condition {
  const values = texts.map((text) => {
    if (type === "boolean" && (text === "true" || text === "false")) return text === "true";
    const isNumber = (type === "integer" || type === "decimal") && String(Number(text)) === text;
    return isNumber ? Number(text) : text;
  });
  const [first, ...others] = values;
  return first === undefined ? null : others.length === 0 ? first : values;
}
