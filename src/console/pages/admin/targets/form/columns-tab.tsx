/** All columns of a target as a list, and the form of the chosen one: a target may have 400. */
import { ActionIcon, Button, Group, Stack, Text, Tooltip, UnstyledButton } from "@mantine/core";
import { IconAlertTriangle, IconArrowDown, IconArrowUp, IconPlus, IconTrash } from "@tabler/icons-react";
import { useContext } from "react";
import { targetFormWords } from "../../../../words/target-form.ts";
import type { Column } from "../definition/definition.ts";
import { FormContext } from "./bound.ts";
import { ColumnForm } from "./column-form.tsx";
import type { PartProps } from "./part-props.ts";

const words = targetFormWords.columns;
const MAX_COLUMNS = 400;

interface ColumnsTabProps extends PartProps {
  /** The position of the chosen column. */
  readonly at: number;
  readonly onChoose: (at: number) => void;
}

export function ColumnsTab({ definition, onChange, at: wanted, onChoose }: ColumnsTabProps) {
  const { columns } = definition;
  const { isReadOnly } = useContext(FormContext);
  const at = Math.max(0, Math.min(wanted, columns.length - 1));
  const column = columns[at];
  const set = (next: readonly Column[]) => onChange({ ...definition, columns: [...next] });
  const add = () => {
    set([...columns, { name: freeName(columns), type: "text" }]);
    onChoose(columns.length);
  };
  const move = (by: number) => {
    const [moved] = columns.slice(at, at + 1);
    if (!moved) return;
    const others = columns.filter((_, position) => position !== at);
    set(others.toSpliced(at + by, 0, moved));
    onChoose(at + by);
  };
  const remove = () => {
    set(columns.filter((_, position) => position !== at));
    onChoose(Math.max(0, at - 1));
  };
  return (
    <div className="target-columns">
      <Stack gap="xs" className="panel" p="xs">
        <ol className="target-column-list" aria-label={words.list}>
          {columns.map((one, position) => (
            <li key={position}>
              <ColumnButton
                column={one}
                at={position}
                isChosen={position === at}
                onChoose={() => onChoose(position)}
              />
            </li>
          ))}
        </ol>
        {!isReadOnly && columns.length < MAX_COLUMNS && (
          <Button variant="default" size="xs" leftSection={<IconPlus size={14} aria-hidden />} onClick={add}>
            {words.add}
          </Button>
        )}
      </Stack>
      {column ? (
        <section className="panel" aria-label={column.name || words.unnamed}>
          <Stack gap="md" p="md">
            <Group justify="space-between" gap="xs">
              <Text fw={650} className="target-wrap">
                {column.name || words.unnamed}
              </Text>
              {!isReadOnly && (
                <Group gap={4}>
                  <Move label={words.up} isOff={at === 0} onClick={() => move(-1)} icon={IconArrowUp} />
                  <Move
                    label={words.down}
                    isOff={at === columns.length - 1}
                    onClick={() => move(1)}
                    icon={IconArrowDown}
                  />
                  <Move label={words.remove} isOff={columns.length === 1} onClick={remove} icon={IconTrash} />
                </Group>
              )}
            </Group>
            <ColumnForm
              key={at}
              column={column}
              at={at}
              destination={definition.destination.type}
              onChange={(next) => set(columns.with(at, next))}
            />
          </Stack>
        </section>
      ) : (
        <Text size="sm" c="dimmed">
          {words.none}
        </Text>
      )}
    </div>
  );
}

function freeName(columns: readonly Column[]): string {
  const taken = new Set(columns.map(({ name }) => name));
  let name: string = words.newName;
  for (let count = 2; taken.has(name); count++) name = `${words.newName}_${count}`;
  return name;
}

interface ColumnButtonProps {
  readonly column: Column;
  readonly at: number;
  readonly isChosen: boolean;
  readonly onChoose: () => void;
}

function ColumnButton({ column: { name, type, required }, at, isChosen, onChoose }: ColumnButtonProps) {
  const { problems } = useContext(FormContext);
  const hasProblem = Object.keys(problems).some(
    (path) => path === `columns.${at}` || path.startsWith(`columns.${at}.`),
  );
  return (
    <UnstyledButton className="target-column" aria-current={isChosen ? "true" : undefined} onClick={onChoose}>
      <Text span size="sm" fw={550} truncate>
        {name || words.unnamed}
        {required && " *"}
      </Text>
      <Group gap={4} wrap="nowrap">
        {hasProblem && (
          <IconAlertTriangle size={14} role="img" aria-label={words.hasProblem} className="target-problem" />
        )}
        <Text span size="xs" c="dimmed">
          {words.types[type]}
        </Text>
      </Group>
    </UnstyledButton>
  );
}

interface MoveProps {
  readonly label: string;
  readonly isOff: boolean;
  readonly onClick: () => void;
  readonly icon: typeof IconPlus;
}

function Move({ label, isOff, onClick, icon: Icon }: MoveProps) {
  return (
    <Tooltip label={label}>
      <ActionIcon variant="default" size="md" aria-label={label} disabled={isOff} onClick={onClick}>
        <Icon size={15} aria-hidden />
      </ActionIcon>
    </Tooltip>
  );
}
