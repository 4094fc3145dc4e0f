/** The options of an import, and what this browser remembers of them for each target. */
import type { BatchOptions } from "../../../client/client.ts";
import type { Match, Target } from "./mapping.ts";

type Locale = NonNullable<Target["locale"]>;

export interface Options {
  readonly mode: Target["modes"][number];
  readonly policy: "partial" | "atomic";
  readonly isDryRun: boolean;
  /** As typed; empty: no limit. */
  readonly maxErrors: string;
  readonly rate: number | null;
  readonly params: Readonly<Record<string, string | number | boolean>>;
  /** How this file writes numbers and dates, where it differs from a defined target. */
  readonly locale: Locale;
}

export const DEFAULTS: Options = {
  mode: "insert",
  policy: "partial",
  isDryRun: false,
  maxErrors: "",
  rate: null,
  params: {},
  locale: {},
};

export function isValidMaxErrors(text: string): boolean {
  const percent = /^(\d{1,3}(?:\.\d+)?)%$/.exec(text)?.[1];
  if (percent !== undefined) return Number(percent) > 0 && Number(percent) <= 100;
  return text === "" || /^[1-9]\d{0,8}$/.test(text);
}

/** The fields of an upload. Defaults are left out. */
export function optionFields(target: Target, options: Options): BatchOptions {
  const { mode, policy, isDryRun, maxErrors, rate, params, locale } = options;
  const hasLocale = target.locale !== null && Object.keys(locale).length > 0;
  return {
    target: target.name as NonNullable<BatchOptions["target"]>,
    mode,
    policy,
    ...(isDryRun ? { dry_run: true } : {}),
    ...(maxErrors === "" ? {} : { max_errors: maxErrors }),
    ...(rate === null || policy === "atomic" ? {} : { rows_per_second: rate }),
    ...(hasLocale ? { locale: JSON.stringify(locale) } : {}),
    ...(Object.keys(params).length > 0 ? { params: JSON.stringify(params) } : {}),
  };
}

const KEY = "rowmill-import";

interface Remembered {
  readonly target?: string;
  readonly options?: Readonly<Record<string, Omit<Options, "params" | "locale">>>;
}

function remembered(): Remembered {
  try {
    return (JSON.parse(localStorage.getItem(KEY) ?? "{}") as Remembered | null) ?? {};
  } catch {
    return {};
  }
}

export function lastTarget(): string | undefined {
  return remembered().target;
}

/** The options of the last import of such a file, or else of the last one into the target, as far as it supports them. */
export function initialOptions(target: Target, ofSuchFile: Match["options"]): Options {
  const last = remembered().options?.[target.name];
  const { mode, policy, max_errors: maxErrors } = ofSuchFile;
  const options: Options = {
    ...DEFAULTS,
    mode: target.default_mode,
    ...last,
    ...(mode === undefined ? {} : { mode: mode as Options["mode"], maxErrors: maxErrors ?? "" }),
    ...(policy === undefined ? {} : { policy: policy as Options["policy"] }),
    params: {},
    // A locale that is left over from another file would change numbers without a word.
    locale: {},
  };
  return target.modes.includes(options.mode) ? options : { ...options, mode: target.default_mode };
}

export function rememberImport(target: Target, { params: _, locale: _locale, ...options }: Options): void {
  const known = remembered();
  const next: Remembered = { target: target.name, options: { ...known.options, [target.name]: options } };
  try {
    localStorage.setItem(KEY, JSON.stringify(next));
  } catch {
    // The browser stores nothing. The next import starts with the defaults.
  }
}
