/** The form of one column. */
import { Collapse, SimpleGrid, Stack } from "@mantine/core";
import { useContext, useState } from "react";
import { Disclosure } from "../../../../parts/disclosure.tsx";
import { targetFormWords } from "../../../../words/target-form.ts";
import { COLUMN_TYPES, type Column, type Destination, isInFiles } from "../definition/definition.ts";
import { withType } from "../guess/propose-from-file.ts";
import { bindTo, FormContext } from "./bound.ts";
import { ChoiceField, FlagField, TextField, ValueField, WordsField } from "./inputs.tsx";
import { TransformsField } from "./transforms.tsx";
import { TypeFields } from "./type-fields.tsx";

const { columns: words, update, byDefault } = targetFormWords;

interface ColumnFormProps {
  readonly column: Column;
  readonly at: number;
  readonly destination: Destination["type"];
  readonly onChange: (column: Column) => void;
}

export function ColumnForm({ column, at, destination, onChange }: ColumnFormProps) {
  const bind = bindTo(column, `columns.${at}`, onChange);
  const isRead = isInFiles(column);
  return (
    <Stack gap="md">
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <TextField
          label={words.name}
          hint={words.nameHint}
          isRequired
          isCode
          maxLength={63}
          field={bind("name")}
        />
        <ChoiceField
          label={words.type}
          options={COLUMN_TYPES.map((type) => [type, words.types[type]])}
          field={{ ...bind("type"), set: (type) => type && onChange(retyped(column, type)) }}
        />
        <TextField label={words.label} hint={words.labelHint} maxLength={100} field={bind("label")} />
        {isRead && <WordsField label={words.aliases} field={bind("aliases")} />}
      </SimpleGrid>
      {isRead && <FlagField label={words.required} hint={words.requiredHint} field={bind("required")} />}
      <TypeFields column={column} at={at} onChange={onChange} />
      <MoreFields column={column} at={at} destination={destination} onChange={onChange} />
    </Stack>
  );
}

/** Fields that every type has stay. */
function retyped(column: Column, type: Column["type"]): Column {
  const { aliases, to, description, default: byDefault } = column;
  const isRead = isInFiles({ name: "", type });
  return {
    ...withType(column, type),
    ...(to === undefined ? {} : { to }),
    ...(description === undefined ? {} : { description }),
    ...(isRead && aliases ? { aliases } : {}),
    ...(isRead && byDefault !== undefined ? { default: byDefault } : {}),
  };
}

const MORE = [
  "to",
  "description",
  "default",
  "example",
  "trim",
  "transform",
  "unique",
  "on_update",
  "empty_cell",
  "database_type",
];

function MoreFields({ column, at, destination, onChange }: ColumnFormProps) {
  const path = `columns.${at}`;
  const bind = bindTo(column, path, onChange);
  const { problems } = useContext(FormContext);
  const hasProblem = MORE.some((name) =>
    Object.keys(problems).some(
      (found) => found === `${path}.${name}` || found.startsWith(`${path}.${name}.`),
    ),
  );
  const isUsed = MORE.some((name) => name in column);
  const [isOpen, setOpen] = useState(isUsed);
  const isShown = isOpen || hasProblem;
  const isRead = isInFiles(column);
  const isNumber = column.type === "integer" || column.type === "decimal";
  const { unique } = column;
  return (
    <Stack gap="md">
      <Disclosure
        isOpen={isShown}
        onToggle={() => setOpen(!isOpen)}
        label={isShown ? words.less : words.more}
      />
      <Collapse expanded={isShown}>
        <Stack gap="md">
          {isRead && <TransformsField field={bind("transform")} />}
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            <TextField label={words.to} placeholder={column.name} isCode maxLength={63} field={bind("to")} />
            <TextField label={words.description} maxLength={500} field={bind("description")} />
            {isRead && (
              <>
                <ValueField
                  label={words.default}
                  hint={words.defaultHint}
                  isNumber={isNumber}
                  field={bind("default")}
                />
                <TextField label={words.example} maxLength={500} field={bind("example")} />
                <ChoiceField
                  label={words.emptyCell}
                  none={words.byTarget}
                  options={Object.entries(update.emptyCells) as ["keep" | "null" | "default", string][]}
                  field={bind("empty_cell")}
                />
              </>
            )}
            <ChoiceField
              label={words.onUpdate}
              none={byDefault(words.onUpdates.write)}
              options={[["never", words.onUpdates.never]]}
              field={bind("on_update")}
            />
            {destination === "table" && (
              <TextField
                label={words.databaseType}
                hint={words.databaseTypeHint}
                isCode
                maxLength={63}
                field={bind("database_type")}
              />
            )}
          </SimpleGrid>
          {isRead && (
            <>
              <FlagField label={words.trim} byDefault field={bind("trim")} />
              <FlagField
                label={words.unique}
                field={{
                  value: unique?.in_file,
                  path: `${path}.unique`,
                  set: (isUnique) => bind("unique").set(isUnique ? { ...unique, in_file: true } : undefined),
                }}
              />
              {unique && (
                <FlagField
                  label={words.uniqueCase}
                  field={bindTo(unique, `${path}.unique`, bind("unique").set)("ignore_case")}
                />
              )}
            </>
          )}
        </Stack>
      </Collapse>
    </Stack>
  );
}
