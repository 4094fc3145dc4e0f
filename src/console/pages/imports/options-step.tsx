import { Checkbox, NumberInput, Radio, SimpleGrid, Stack, Text, TextInput } from "@mantine/core";
import "@mantine/core/styles/NumberInput.layer.css";
import "@mantine/core/styles/Radio.layer.css";
import { Button } from "@mantine/core";
import { importWords } from "../../words/imports.ts";
import { LocaleOverride } from "./locale-override.tsx";
import { mappingField } from "./mapping.ts";
import { isValidMaxErrors, type Options, optionFields, rememberImport } from "./options.ts";
import { missingParams, ParamsForm } from "./params-form.tsx";
import { readingFields } from "./reading.ts";
import { type Moves, StepFrame } from "./step-frame.tsx";
import type { Step } from "./steps.ts";
import { UploadPanel } from "./upload-panel.tsx";
import type { Draft } from "./use-draft.ts";
import type { Upload } from "./use-upload.ts";

const words = importWords.options;
const list = new Intl.ListFormat("en");
const MAX_RATE = 1_000_000;

interface OptionsStepProps {
  readonly draft: Draft;
  readonly upload: Upload;
  readonly moves: Moves;
  readonly onStep: (step: Step) => void;
}

export function OptionsStep({ draft, upload, moves, onStep }: OptionsStepProps) {
  const { file, target, read, mapping, options, reading } = draft;
  const { match } = draft.matching;
  if (!file || !target || !read.preview) return null;
  const { names } = read.preview;
  const set = (change: Partial<Options>) => draft.setOptions({ ...options, ...change });
  const isValid = isValidMaxErrors(options.maxErrors) && missingParams(target, options.params).length === 0;
  const start = (isForced = false) => {
    rememberImport(target, options);
    const own = mappingField(names, mapping, match);
    const fields = {
      ...optionFields(target, options),
      ...readingFields(reading),
      ...(own === undefined ? {} : { mapping: own }),
      ...(isForced ? { force: true } : {}),
    };
    void upload.start(file, fields);
  };
  const isRunning = upload.state.kind === "sending";
  const mapped = mapping.filter((column) => column !== null).length;
  return (
    <StepFrame
      heading={words.heading}
      hint={words.summary(file.name, target.title, String(mapped))}
      moves={isRunning ? { onBack: undefined, onContinue: undefined } : moves}
      action={
        isRunning ? (
          <Button variant="default" onClick={upload.cancel}>
            {importWords.upload.cancel}
          </Button>
        ) : (
          <Button onClick={() => start()} disabled={!isValid}>
            {options.isDryRun ? words.check : words.start}
          </Button>
        )
      }
    >
      <fieldset className="import-options" disabled={isRunning}>
        <Stack gap="md" className="panel" p="md">
          {target.modes.length > 1 && (
            <Choice
              label={words.mode}
              hint={target.key.length > 0 ? words.key(list.format(target.key)) : undefined}
              value={options.mode}
              onChange={(mode) => set({ mode: mode as Options["mode"] })}
              choices={target.modes.map((mode) => [mode, words.modes[mode] ?? [mode, ""]])}
            />
          )}
          <Choice
            label={words.policy}
            value={options.policy}
            onChange={(policy) => set({ policy: policy as Options["policy"] })}
            choices={Object.entries(words.policies)}
          />
          <Checkbox
            label={words.dryRun}
            description={words.dryRunHint}
            checked={options.isDryRun}
            onChange={({ currentTarget }) => set({ isDryRun: currentTarget.checked })}
          />
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            <TextInput
              label={words.maxErrors}
              description={words.maxErrorsHint}
              value={options.maxErrors}
              error={isValidMaxErrors(options.maxErrors) ? undefined : words.maxErrorsWrong}
              onChange={({ currentTarget }) => set({ maxErrors: currentTarget.value.trim() })}
            />
            {options.policy === "partial" && (
              <NumberInput
                label={words.rate}
                description={words.rateHint}
                min={1}
                max={MAX_RATE}
                allowDecimal={false}
                allowNegative={false}
                value={options.rate ?? ""}
                onChange={(rate) => set({ rate: typeof rate === "number" ? rate : null })}
              />
            )}
          </SimpleGrid>
          {target.locale && (
            <LocaleOverride
              base={target.locale}
              locale={options.locale}
              onChange={(locale) => set({ locale })}
            />
          )}
          <ParamsForm target={target} params={options.params} onChange={(params) => set({ params })} />
        </Stack>
      </fieldset>
      <UploadPanel state={upload.state} file={file} onStep={onStep} onForce={() => start(true)} />
    </StepFrame>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly hint?: string | undefined;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly choices: readonly (readonly [value: string, words: readonly [name: string, hint: string]])[];
}

function Choice({ label, hint, value, onChange, choices }: ChoiceProps) {
  return (
    <Radio.Group
      label={label}
      description={hint}
      value={value}
      onChange={onChange}
      classNames={{ label: "import-label" }}
    >
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="xs" mt={8}>
        {choices.map(([choice, [name, text]]) => (
          <Radio
            key={choice}
            value={choice}
            label={name}
            description={
              <Text span size="xs">
                {text}
              </Text>
            }
          />
        ))}
      </SimpleGrid>
    </Radio.Group>
  );
}
