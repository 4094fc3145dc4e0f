/** Says what an error of PostgreSQL means for a row: which column and value are at fault, or that no row can succeed. */
import type pg from "pg";
import { MustPause, Permanent } from "../../../errors.ts";
import {
  isDatabaseUnavailable,
  isLockTrouble,
  isRaisedByFunction,
  postgresError,
} from "../../../platform/postgres/database.ts";
import { isServerTrouble, isStatementTrouble, LOCK_TROUBLE, SQLSTATE } from "../../../platform/sqlstates.ts";
import type { TableFacts } from "../read/table-facts.ts";
import { CORRECT_THEN_RESUME, conditionOf, shown, tableName } from "../read/texts.ts";
import type { FailedWrite } from "./failed-write.ts";
import { findBadColumn } from "./find-bad-column.ts";

/**
 * Returns the error to throw instead.
 * @returns `Permanent` if the row is at fault; `MustPause` if every row would fail; the same error if it says nothing about
 * the rows, or the rows must be tried in smaller groups
 */
export function explainWriteError(error: unknown, write: FailedWrite): unknown {
  const known = postgresError(error);
  const code = known?.code ?? "";
  if (!known || isDatabaseUnavailable(error) || isLockTrouble(error)) return error;
  if (isServerTrouble(code) || LOCK_TROUBLE.has(code) || code === SQLSTATE.inFailedTransaction) return error;
  if (isRaisedByFunction(known)) return write.values ? raised(known) : error;
  if (isConfiguration(known)) return new MustPause(configurationText(known, write.facts));
  // Which row it is, the halves find out.
  return write.values ? explainRow(known, write) : error;
}

/** The routine that reports a violated policy. The message depends on the language of the server. */
const CHECKS_POLICIES = "ExecWithCheckOptions";

/** An error inside of a function may depend on the row, except that the role may not do what the function does. */
function isConfiguration({ code = "", routine, where }: pg.DatabaseError): boolean {
  if (code === SQLSTATE.insufficientPrivilege) return routine !== CHECKS_POLICIES;
  return isStatementTrouble(code) && !where;
}

function configurationText({ message, where }: pg.DatabaseError, facts: TableFacts): string {
  const place = where ? ` (${where.split("\n")[0]})` : "";
  return `PostgreSQL refuses to write into ${tableName(facts)}: ${message}${place}. ${CORRECT_THEN_RESUME}`;
}

/** The author of a trigger wrote the message and the hint for people. */
function raised({ message, hint }: pg.DatabaseError): Permanent {
  return new Permanent(
    "refused_by_trigger",
    hint ? `${/[.!?:]$/.test(message) ? message : `${message}.`} ${hint}` : message,
  );
}

function explainRow(error: pg.DatabaseError, write: FailedWrite): Permanent {
  switch (error.code) {
    case SQLSTATE.uniqueViolation:
      return duplicate(error, write);
    case SQLSTATE.foreignKeyViolation:
      return brokenReference(error, write);
    case SQLSTATE.notNullViolation:
      return missing(error, write);
    case SQLSTATE.checkViolation:
      return brokenRule(error, write);
    case SQLSTATE.exclusionViolation:
      return conflicting(error, write);
    case SQLSTATE.insufficientPrivilege:
      return new Permanent(
        "forbidden_by_policy",
        `A row-level security policy of ${tableName(write.facts)} does not allow this row.`,
      );
    default:
      return invalid(error, write);
  }
}

/** An error about these columns of the table. */
function about(
  code: string,
  columns: readonly string[],
  write: FailedWrite,
  text: (subject: string) => string,
): Permanent {
  const subjects = columns.map((column) => {
    const name = write.names.get(column) ?? column;
    const value = write.values?.[name];
    return value === undefined ? name : `${name} ${shown(value)}`;
  });
  const [column, ...others] = columns;
  const name = column !== undefined && others.length === 0 ? write.names.get(column) : undefined;
  const options = name === undefined ? {} : { column: name };
  return new Permanent(code, text(subjects.join(", ") || "The row"), options);
}

function duplicate(error: pg.DatabaseError, write: FailedWrite): Permanent {
  const { keys } = write.facts;
  const key = keys.find(({ name }) => name === error.constraint);
  // The index of a partition has another name than that of the table.
  const columns = key?.columns ?? columnsInDetail(error, write);
  return about("duplicate", columns, write, (subject) => {
    return `${subject}: another record has the same (${error.constraint ?? "unique"}).`;
  });
}

/** For example `Key (id, at)=(1, 2026-01-01) already exists.`, in the language of the server. */
function columnsInDetail({ detail }: pg.DatabaseError, { facts }: FailedWrite): string[] {
  const list = /\((.*?)\)=\(/.exec(detail ?? "")?.[1] ?? "";
  const names = list.split(", ").map((name) => name.replace(/^"|"$/g, "").replaceAll('""', '"'));
  return names.filter((name) => facts.columns.some((column) => column.name === name));
}

function brokenReference(error: pg.DatabaseError, write: FailedWrite): Permanent {
  const { facts } = write;
  const key = facts.foreignKeys.find(({ name }) => name === error.constraint);
  if (key) {
    const other = tableName(key);
    return about("missing_reference", key.columns, write, (subject) => {
      return `${subject}: no such record in ${other} (${key.name}).`;
    });
  }
  const user = error.schema && error.table ? `${error.schema}.${error.table}` : "another table";
  return new Permanent("in_use", `Records of ${user} refer to this record (${error.constraint}).`);
}

function missing(error: pg.DatabaseError, write: FailedWrite): Permanent {
  const columns = error.column === undefined ? columnsOfDomain(error, write, isNull) : [error.column];
  const names = columns.map((column) => write.names.get(column) ?? column).join(", ") || "The row";
  return about("required", columns, write, () => `${names} must have a value.`);
}

const isNull = (value: string | null | undefined) => value === null || value === undefined;

/** PostgreSQL names the domain only. */
function columnsOfDomain(
  error: pg.DatabaseError,
  { facts, names, values }: FailedWrite,
  isSuspect: (value: string | null | undefined) => boolean,
): string[] {
  const domain = `${error.schema}.${error.dataType}`;
  const plain = (name: string) => name.replaceAll('"', "");
  return facts.columns
    .filter((column) => column.domain && plain(column.domain.name) === plain(domain))
    .map(({ name }) => name)
    .filter((name) => isSuspect(values?.[names.get(name) ?? name]));
}

function brokenRule(error: pg.DatabaseError, write: FailedWrite): Permanent {
  const { facts } = write;
  const check = facts.checks.find(({ name }) => name === error.constraint);
  if (check) {
    return about("rule_broken", check.columns, write, (subject) => {
      return `${subject}: breaks the rule ${check.name}: ${conditionOf(check.text)}.`;
    });
  }
  if (error.dataType) {
    const columns = columnsOfDomain(error, write, (value) => !isNull(value));
    const domain = facts.columns.find(({ name }) => name === columns[0])?.domain;
    const rule = domain?.checks.find(({ name }) => name === error.constraint);
    const condition = rule ? `: ${conditionOf(rule.text)}` : "";
    return about("rule_broken", columns, write, (subject) => {
      return `${subject}: breaks the rule ${error.constraint} of the type ${error.dataType}${condition}.`;
    });
  }
  if (error.constraint === undefined && facts.partitionKey.length > 0) {
    const columns = facts.partitionKey.filter((column) => column !== null);
    return about("no_partition", columns, write, (subject) => {
      return `${subject}: ${tableName(facts)} has no partition for it.`;
    });
  }
  return new Permanent("rule_broken", sentence(error.message));
}

function conflicting(error: pg.DatabaseError, write: FailedWrite): Permanent {
  const constraint = write.facts.exclusions.find(({ name }) => name === error.constraint);
  return about("conflict", constraint?.columns ?? [], write, (subject) => {
    return `${subject}: conflicts with another record (${error.constraint}).`;
  });
}

/** Values that do not fit their type. Usually the rules of the target have refused them before. */
function invalid(error: pg.DatabaseError, write: FailedWrite): Permanent {
  const { code = "", message } = error;
  if (!code.startsWith("22")) return new Permanent(`database_${code}`, sentence(message));
  const column = findBadColumn(error, write);
  if (column === null) return new Permanent("invalid", sentence(message));
  return about("invalid", [column], write, (subject) => `${subject}: ${message}.`);
}

function sentence(message: string): string {
  const text = message.charAt(0).toUpperCase() + message.slice(1);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
