/** The title, the destination, the key, the modes and the locale of a target. */
import { Checkbox, SimpleGrid, Stack, TextInput } from "@mantine/core";
import { Section } from "../../../../parts/section.tsx";
import { targetFormWords } from "../../../../words/target-form.ts";
import { type Definition, MODES, type Mode, newDestination, unlessEmpty } from "../definition/definition.ts";
import { bindTo, useShared } from "./bound.ts";
import { DestinationFields } from "./destination-fields.tsx";
import { ChoiceField, TextField, WordsField } from "./inputs.tsx";
import { LocaleFields } from "./locale-fields.tsx";
import type { PartProps } from "./part-props.ts";

const words = targetFormWords.target;

interface TargetTabProps extends PartProps {
  readonly name: string;
  /** Absent: the target exists, and keeps its name. */
  readonly onName?: ((name: string) => void) | undefined;
}

export function TargetTab({ name, onName, definition, onChange }: TargetTabProps) {
  const bind = bindTo(definition, "", onChange);
  const { locale = {} } = definition;
  return (
    <Stack gap="md">
      <Section title={words.about}>
        {onName && <NameField name={name} onName={onName} />}
        <TextField label={words.title} hint={words.titleHint} maxLength={100} field={bind("title")} />
        <TextField label={words.description} maxLength={1000} field={bind("description")} />
      </Section>
      <Section title={words.destination}>
        <ChoiceField
          label={words.destination}
          hint={words.destinationHints[definition.destination.type]}
          options={Object.entries(words.destinations) as [Definition["destination"]["type"], string][]}
          field={{
            value: definition.destination.type,
            path: "destination.type",
            set: (type) => type && onChange(withDestination(definition, type)),
          }}
        />
        <DestinationFields definition={definition} onChange={onChange} />
      </Section>
      {(definition.destination.type !== "records" || definition.key) && (
        <KeyAndModes definition={definition} onChange={onChange} />
      )}
      <LocaleFields locale={locale} onChange={(next) => bind("locale").set(unlessEmpty(next))} />
    </Stack>
  );
}

/** Modes that the new destination lacks are left out. */
function withDestination(definition: Definition, type: Definition["destination"]["type"]): Definition {
  const { mode, ...rest } = definition;
  const allowed = mode?.allowed.filter((one) => MODES[type].includes(one)) ?? [];
  const [first] = allowed;
  return {
    ...rest,
    destination: newDestination(type),
    ...(mode && first
      ? { mode: { default: allowed.includes(mode.default) ? mode.default : first, allowed } }
      : {}),
  };
}

function NameField({ name, onName }: { readonly name: string; readonly onName: (name: string) => void }) {
  return (
    <TextInput
      {...useShared("name")}
      label={words.name}
      description={words.nameHint}
      withAsterisk
      maxLength={60}
      spellCheck={false}
      autoComplete="off"
      value={name}
      onChange={({ currentTarget }) => onName(currentTarget.value)}
    />
  );
}

function KeyAndModes({ definition, onChange }: PartProps) {
  const { key, mode, destination, columns } = definition;
  const bind = bindTo(definition, "", onChange);
  const { error, disabled } = useShared("mode");
  const possible = MODES[destination.type];
  const allowed = mode?.allowed ?? ["insert"];
  const setModes = (next: readonly Mode[]) => {
    const [first] = next;
    const isDefault = next.length === 1 && first === "insert";
    const chosen = mode && next.includes(mode.default) ? mode.default : first;
    bind("mode").set(first && chosen && !isDefault ? { default: chosen, allowed: [...next] } : undefined);
  };
  return (
    <Section title={words.key}>
      <WordsField
        label={words.keyColumns}
        hint={words.keyHint}
        known={columns.map(({ name }) => name)}
        field={{
          value: key?.columns,
          path: "key",
          set: (names) => bind("key").set(names && { columns: names }),
        }}
      />
      {possible.length > 1 && (
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <Checkbox.Group
            label={words.modes}
            description={words.modesHint}
            error={error}
            value={[...allowed]}
            onChange={(chosen) => setModes(possible.filter((one) => chosen.includes(one)))}
          >
            <Stack gap={6} mt={6}>
              {possible.map((one) => (
                <Checkbox key={one} value={one} label={words.modeNames[one]} disabled={disabled} />
              ))}
            </Stack>
          </Checkbox.Group>
          {mode && mode.allowed.length > 1 && (
            <ChoiceField
              label={words.defaultMode}
              options={mode.allowed.map((one) => [one, one])}
              field={{
                value: mode.default,
                path: "mode.default",
                set: (chosen) => chosen && bind("mode").set({ ...mode, default: chosen }),
              }}
            />
          )}
        </SimpleGrid>
      )}
    </Section>
  );
}
