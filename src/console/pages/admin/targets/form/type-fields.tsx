/** The fields that a column has because of its type. */
import { SimpleGrid, Text } from "@mantine/core";
import { targetFormWords } from "../../../../words/target-form.ts";
import type { Column } from "../definition/definition.ts";
import { bindTo } from "./bound.ts";
import {
  ChoiceField,
  FlagField,
  LinesField,
  NumberField,
  TextField,
  ValueField,
  WordsField,
} from "./inputs.tsx";
import { canBeLines, formatValues, parseValues } from "./lines.ts";

const { columns: words, byDefault } = targetFormWords;

interface TypeFieldsProps {
  readonly column: Column;
  readonly at: number;
  readonly onChange: (column: Column) => void;
}

export function TypeFields(props: TypeFieldsProps) {
  switch (props.column.type) {
    case "text":
    case "email":
    case "url":
      return <TextRules {...props} />;
    case "integer":
    case "decimal":
      return <NumberRules {...props} />;
    case "date":
    case "timestamp":
      return <DateRules {...props} />;
    case "enum":
      return <EnumRules {...props} />;
    case "array":
      return <ArrayRules {...props} />;
    case "lookup":
      return <LookupRules {...props} />;
    case "computed":
      return <TemplateRule {...props} />;
    case "constant":
      return <ConstantRules {...props} />;
    default:
      return null;
  }
}

function useBind({ column, at, onChange }: TypeFieldsProps) {
  return bindTo(column, `columns.${at}`, onChange);
}

function TextRules(props: TypeFieldsProps) {
  const bind = useBind(props);
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }}>
      <NumberField label={words.minLength} min={0} field={bind("min_length")} />
      <NumberField label={words.maxLength} min={1} field={bind("max_length")} />
      <TextField
        label={words.pattern}
        hint={words.patternHint}
        isCode
        maxLength={500}
        field={bind("pattern")}
      />
      <TextField
        label={words.patternMessage}
        hint={words.patternMessageHint}
        maxLength={200}
        field={bind("pattern_message")}
      />
    </SimpleGrid>
  );
}

const roundings = Object.entries(words.roundings).filter(([value]) => value !== "refuse") as [
  "half_up" | "half_even" | "truncate",
  string,
][];

function NumberRules(props: TypeFieldsProps) {
  const bind = useBind(props);
  const { currency, type } = props.column;
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }}>
      <ValueField label={words.minimum} isNumber field={bind("minimum")} />
      <ValueField label={words.maximum} isNumber field={bind("maximum")} />
      {type === "decimal" && (
        <>
          <NumberField label={words.precision} min={1} max={1000} field={bind("precision")} />
          <NumberField label={words.scale} min={0} max={1000} field={bind("scale")} />
          <ChoiceField
            label={words.rounding}
            none={byDefault(words.roundings.refuse)}
            options={roundings}
            field={bind("rounding")}
          />
        </>
      )}
      <WordsField
        label={words.currency}
        hint={words.currencyHint}
        known={["€", "EUR", "$", "USD", "£", "GBP"]}
        field={{
          value: currency?.symbols,
          path: `columns.${props.at}.currency`,
          set: (symbols) => bind("currency").set(symbols && { symbols }),
        }}
      />
    </SimpleGrid>
  );
}

const DATE_FORMATS = ["dd.MM.yyyy", "dd/MM/yyyy", "MM/dd/yyyy", "yyyy-MM-dd", "d MMM yyyy"];
const TIME_FORMATS = ["dd.MM.yyyy HH:mm", "yyyy-MM-dd HH:mm:ss", "MM/dd/yyyy hh:mm a"];

function DateRules(props: TypeFieldsProps) {
  const bind = useBind(props);
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }}>
      <WordsField
        label={words.formats}
        hint={words.formatsHint}
        known={props.column.type === "date" ? DATE_FORMATS : TIME_FORMATS}
        field={bind("formats")}
      />
      <NumberField
        label={words.pivot}
        hint={words.pivotHint}
        min={1900}
        max={2100}
        field={bind("two_digit_year_pivot")}
      />
      <ValueField label={words.minimum} hint={words.dayHint} isNumber={false} field={bind("minimum")} />
      <ValueField label={words.maximum} hint={words.dayHint} isNumber={false} field={bind("maximum")} />
    </SimpleGrid>
  );
}

function EnumRules(props: TypeFieldsProps) {
  const bind = useBind(props);
  if (!canBeLines(props.column.values))
    return (
      <Text size="sm" c="dimmed">
        {words.valuesAsJson}
      </Text>
    );
  return (
    <LinesField
      label={words.values}
      hint={words.valuesHint}
      field={bind("values")}
      format={formatValues}
      parse={parseValues}
    />
  );
}

type Items = NonNullable<Column["items"]>;

const ITEM_TYPES: readonly Items["type"][] = [
  ...(["text", "integer", "decimal", "boolean", "date", "timestamp", "email", "url", "uuid"] as const),
];

function ArrayRules(props: TypeFieldsProps) {
  const bind = useBind(props);
  const { items = { type: "text" } } = props.column;
  const bindItems = bindTo<Items>(items, `columns.${props.at}.items`, (next) => bind("items").set(next));
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }}>
      <ChoiceField
        label={words.items}
        options={ITEM_TYPES.map((type) => [type, words.types[type]])}
        field={bindItems("type")}
      />
      <NumberField label={words.itemLength} min={1} field={bindItems("max_length")} />
      <TextField label={words.separator} placeholder="," maxLength={10} field={bind("separator")} />
      <NumberField label={words.maxItems} min={1} max={10_000} field={bind("max_items")} />
    </SimpleGrid>
  );
}

type Lookup = NonNullable<Column["lookup"]>;

function LookupRules(props: TypeFieldsProps) {
  const { lookup = { schema: "", table: "", match: [], value: "id" } } = props.column;
  const bindLookup = bindTo<Lookup>(lookup, `columns.${props.at}.lookup`, useBind(props)("lookup").set);
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }}>
      <TextField label={words.lookupSchema} isRequired isCode maxLength={63} field={bindLookup("schema")} />
      <TextField label={words.lookupTable} isRequired isCode maxLength={63} field={bindLookup("table")} />
      <WordsField label={words.lookupMatch} isRequired field={bindLookup("match")} />
      <TextField label={words.lookupValue} isRequired isCode maxLength={63} field={bindLookup("value")} />
      <ChoiceField
        label={words.onMissing}
        none={byDefault(words.onMissings.fail)}
        options={[["null", words.onMissings.null]]}
        field={bindLookup("on_missing")}
      />
      <ChoiceField
        label={words.onMany}
        none={byDefault(words.onManys.fail)}
        options={[["first", words.onManys.first]]}
        field={bindLookup("on_many")}
      />
      <FlagField label={words.ignoreCase} field={bindLookup("ignore_case")} />
    </SimpleGrid>
  );
}

function TemplateRule(props: TypeFieldsProps) {
  return (
    <TextField
      label={words.template}
      hint={words.templateHint}
      isRequired
      isCode
      maxLength={500}
      field={useBind(props)("template")}
    />
  );
}

const froms = Object.entries(words.froms) as [NonNullable<Column["from"]>, string][];

function ConstantRules(props: TypeFieldsProps) {
  const bind = useBind(props);
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }}>
      <ChoiceField label={words.from} none={targetFormWords.notSet} options={froms} field={bind("from")} />
      {props.column.from === undefined && (
        <ValueField label={words.value} hint={words.valueHint} isNumber={false} field={bind("value")} />
      )}
    </SimpleGrid>
  );
}
