/** Rules about several columns, the policy for updates, and who may upload. */
import { Button, Checkbox, Group, SimpleGrid, Stack, Text } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useContext } from "react";
import { Section } from "../../../../parts/section.tsx";
import { targetFormWords } from "../../../../words/target-form.ts";
import { unlessEmpty } from "../definition/definition.ts";
import { bindTo, FormContext, useShared } from "./bound.ts";
import { ChoiceField, FlagField, NumberField, WordsField } from "./inputs.tsx";
import type { PartProps } from "./part-props.ts";
import { RuleForm } from "./rule-form.tsx";

const { rules: words, update: updateWords, access, byDefault } = targetFormWords;

export function RulesTab(props: PartProps) {
  return (
    <Stack gap="md">
      <Rules {...props} />
      {props.definition.destination.type !== "records" && <Updates {...props} />}
      <Access {...props} />
    </Stack>
  );
}

function Rules({ definition, onChange }: PartProps) {
  const { rules = [], columns } = definition;
  const { isReadOnly } = useContext(FormContext);
  const bind = bindTo(definition, "", onChange);
  const set = (next: typeof rules) => bind("rules").set(next.length > 0 ? next : undefined);
  return (
    <Section title={words.heading}>
      {rules.length === 0 && (
        <Text size="sm" c="dimmed">
          {words.none}
        </Text>
      )}
      {rules.map((rule, at) => (
        <RuleForm
          key={at}
          rule={rule}
          path={`rules.${at}`}
          columns={columns}
          onChange={(next) => set(rules.with(at, next))}
          onRemove={() => set(rules.filter((_, position) => position !== at))}
        />
      ))}
      {!isReadOnly && (
        <Button
          variant="default"
          size="xs"
          w="fit-content"
          leftSection={<IconPlus size={14} aria-hidden />}
          onClick={() => set([...rules, { name: "", message: "" }])}
        >
          {words.add}
        </Button>
      )}
    </Section>
  );
}

function Updates({ definition, onChange }: PartProps) {
  const { update = {}, columns } = definition;
  const bindRoot = bindTo(definition, "", onChange);
  const bind = bindTo(update, "update", (next) => bindRoot("update").set(unlessEmpty(next)));
  return (
    <Section title={updateWords.heading}>
      <Text size="sm" c="dimmed">
        {updateWords.hint}
      </Text>
      <WordsField
        label={updateWords.columns}
        hint={updateWords.columnsHint}
        known={columns.map(({ name }) => name)}
        field={bind("columns")}
      />
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <ChoiceField
          label={updateWords.emptyCell}
          none={byDefault(updateWords.emptyCells.null)}
          options={[
            ["keep", updateWords.emptyCells.keep],
            ["default", updateWords.emptyCells.default],
          ]}
          field={bind("empty_cell")}
        />
        <ChoiceField
          label={updateWords.undo}
          none={byDefault(updateWords.undos.record_before_image)}
          options={[["none", updateWords.undos.none]]}
          field={bindRoot("undo")}
        />
      </SimpleGrid>
      <FlagField label={updateWords.onlyIfChanged} byDefault field={bind("only_if_changed")} />
    </Section>
  );
}

const ROLES = ["user", "operator", "admin"] as const;

function Access({ definition, onChange }: PartProps) {
  const { permissions = {} } = definition;
  const bindRoot = bindTo(definition, "", onChange);
  const bind = bindTo(permissions, "permissions", (next) => bindRoot("permissions").set(unlessEmpty(next)));
  const { error, disabled } = useShared("permissions.roles");
  return (
    <Section title={access.heading}>
      <Text size="sm" c="dimmed">
        {access.hint}
      </Text>
      <Checkbox.Group
        label={access.roles}
        description={access.rolesHint}
        error={error}
        value={[...(permissions.roles ?? [])]}
        onChange={(chosen) => {
          const roles = ROLES.filter((role) => chosen.includes(role));
          // All of them are the same as none.
          bind("roles").set(roles.length === 0 || roles.length === ROLES.length ? undefined : roles);
        }}
      >
        <Group gap="md" mt={6}>
          {ROLES.map((role) => (
            <Checkbox key={role} value={role} label={access.roleNames[role]} disabled={disabled} />
          ))}
        </Group>
      </Checkbox.Group>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <WordsField label={access.users} hint={access.usersHint} field={bind("users")} />
        <NumberField label={access.maxRows} min={1} field={bind("max_rows")} />
        <ChoiceField
          label={access.unknown}
          none={byDefault(access.unknowns.ignore)}
          options={[["refuse", access.unknowns.refuse]]}
          field={bindRoot("unknown_columns")}
        />
      </SimpleGrid>
    </Section>
  );
}
