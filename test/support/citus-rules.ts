/**
 * Rules of Citus for statements on distributed tables. A unit is a part of a statement that one node should be
 * able to execute: a statement, or a CTE that is MATERIALIZED or changes rows.
 */
import { loadModule, parseSync } from "libpg-query";
import { DISTRIBUTED_TABLES } from "../../src/platform/postgres/distribute-tables.ts";
import type { Statement } from "./sent-statements.ts";

export type Rule =
  | "names no key"
  | "names two keys"
  | "mixes families"
  | "subquery in VALUES"
  | "no key in INSERT"
  | "changes the key"
  | "volatile function"
  | "stable function of a column"
  | "mutable function in CASE or COALESCE"
  | "mutable function in RETURNING"
  | "enum cast of a column"
  | "element of an array in SET"
  | "DO NOTHING without RETURNING"
  | "untyped process id";

/** `i`: immutable, `s`: stable, `v`: volatile. By name; the strictest of the functions with the name. */
export type Volatility = ReadonlyMap<string, string>;

// biome-ignore lint/suspicious/noExplicitAny: a parse tree has a type per node, and this walks all of them alike.
type Node = any;

const KEYS = new Map(DISTRIBUTED_TABLES.map(({ name, column }) => [name, column]));
const FAMILIES = new Map(DISTRIBUTED_TABLES.map(({ name, with: other }) => [name, other ?? name]));
const QUERIES = ["SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt"] as const;
const LOCAL = "tables of the coordinator";

await loadModule();

/** Returns the rules that a statement breaks. */
export function brokenRules(statement: Statement, volatility: Volatility): Rule[] {
  const broken = new Set<Rule>();
  for (const { stmt } of (parseSync(statement.text) as Node).stmts ?? []) {
    if (hasUntypedPid(stmt)) broken.add("untyped process id");
    if (QUERIES.some((kind) => kind in stmt)) new Unit(statement, volatility, broken).check(stmt, new Map());
  }
  return [...broken];
}

interface Block {
  /** Alias to table. */
  readonly tables: Map<string, string>;
  readonly outer: Block | null;
}

class Unit {
  readonly #statement: Statement;
  readonly #volatility: Volatility;
  readonly #broken: Set<Rule>;
  readonly #families = new Set<string>();
  /** The alias of each distributed table in the unit. */
  readonly #used: { readonly block: Block; readonly alias: string; readonly table: string }[] = [];
  readonly #constants = new Map<string, string>();
  readonly #equal: [string, string][] = [];
  readonly #blocks = new Map<Block, number>();

  constructor(statement: Statement, volatility: Volatility, broken: Set<Rule>) {
    this.#statement = statement;
    this.#volatility = volatility;
    this.#broken = broken;
  }

  check(query: Node, ctes: ReadonlyMap<string, Node>): void {
    this.#query(query, ctes, null);
    if ([...this.#families].some((family) => family !== LOCAL) && this.#families.size > 1)
      this.#broken.add("mixes families");
    const found = new Map<string, Set<string>>();
    for (const { block, alias, table } of this.#used) {
      const constants = this.#constantsOf(this.#name(block, alias, KEYS.get(table) ?? ""));
      if (constants.size === 0) this.#broken.add("names no key");
      const family = FAMILIES.get(table) ?? "";
      found.set(family, new Set([...(found.get(family) ?? []), ...constants]));
    }
    if ([...found.values()].some(({ size }) => size > 1)) this.#broken.add("names two keys");
  }

  #query(query: Node, outerCtes: ReadonlyMap<string, Node>, outer: Block | null): void {
    const kind = QUERIES.find((one) => one in query);
    if (!kind) return;
    const body = query[kind];
    const block: Block = { tables: new Map(), outer };
    const ctes = new Map(outerCtes);
    for (const { CommonTableExpr: cte } of body.withClause?.ctes ?? []) {
      const isApart = cte.ctematerialized === "CTEMaterializeAlways" || !("SelectStmt" in cte.ctequery);
      if (isApart) new Unit(this.#statement, this.#volatility, this.#broken).check(cte.ctequery, ctes);
      ctes.set(cte.ctename, isApart ? null : cte.ctequery);
    }
    if (kind === "SelectStmt" && body.op !== "SETOP_NONE") {
      for (const side of [body.larg, body.rarg]) this.#query({ SelectStmt: side }, ctes, outer);
      return;
    }
    if (body.relation) this.#table(body.relation, ctes, block);
    for (const item of [...(body.fromClause ?? []), ...(body.usingClause ?? [])])
      this.#from(item, ctes, block);
    if (body.whereClause) this.#conditions(body.whereClause, block);
    const { withClause: _, fromClause: __, usingClause: ___, relation, ...rest } = body;
    this.#subqueries(rest, ctes, block);
    if (relation && KEYS.has(relation.relname) && relation.schemaname === "rowmill")
      this.#change(kind, body, relation.relname, block);
  }

  #from(item: Node, ctes: ReadonlyMap<string, Node>, block: Block): void {
    if (item.RangeVar) this.#table(item.RangeVar, ctes, block);
    else if (item.RangeSubselect) this.#query(item.RangeSubselect.subquery, ctes, block);
    else if (item.JoinExpr) {
      this.#from(item.JoinExpr.larg, ctes, block);
      this.#from(item.JoinExpr.rarg, ctes, block);
      if (item.JoinExpr.quals) {
        this.#conditions(item.JoinExpr.quals, block);
        this.#subqueries(item.JoinExpr.quals, ctes, block);
      }
    } else this.#subqueries(item, ctes, block);
  }

  #table({ schemaname, relname, alias }: Node, ctes: ReadonlyMap<string, Node>, block: Block): void {
    if (!schemaname && ctes.has(relname)) {
      const cte = ctes.get(relname);
      // A recursive CTE reads itself.
      if (cte) this.#query(cte, new Map(ctes).set(relname, null), block);
      return;
    }
    if (schemaname !== "rowmill" && schemaname !== "rowmill_queue") return;
    const isDistributed = schemaname === "rowmill" && KEYS.has(relname);
    this.#families.add(isDistributed ? (FAMILIES.get(relname) ?? "") : LOCAL);
    if (!isDistributed) return;
    const name = alias?.aliasname ?? relname;
    block.tables.set(name, relname);
    this.#used.push({ block, alias: name, table: relname });
  }

  /** Collects the equalities that hold for every row. */
  #conditions(node: Node, block: Block): void {
    if (node.BoolExpr?.boolop === "AND_EXPR") {
      for (const argument of node.BoolExpr.args) this.#conditions(argument, block);
      return;
    }
    const { A_Expr: expression } = node;
    if (expression?.name?.at(-1)?.String?.sval !== "=") return;
    if (!["AEXPR_OP", "AEXPR_OP_ANY", "AEXPR_IN"].includes(expression.kind)) return;
    const sides = [expression.lexpr, expression.rexpr];
    const names = sides.map((side) => this.#column(side, block));
    const [left, right] = names;
    // For a column of an outer query, Citus asks all shards.
    if (left && right && left.split(" ")[0] === right.split(" ")[0]) this.#equal.push([left, right]);
    for (const [at, name] of names.entries()) {
      const other = sides[1 - at];
      if (name && isConstant(other)) this.#constants.set(name, this.#signature(other));
    }
  }

  #column(node: Node, block: Block): string | null {
    const fields: string[] | undefined = node?.ColumnRef?.fields?.map((field: Node) => field.String?.sval);
    const column = fields?.at(-1);
    if (!fields || !column) return null;
    const alias = fields.at(-2);
    for (let scope: Block | null = block; scope; scope = scope.outer) {
      for (const [name, table] of scope.tables)
        if (name === alias || (!alias && KEYS.get(table) === column)) return this.#name(scope, name, column);
    }
    return null;
  }

  #name(block: Block, alias: string, column: string): string {
    if (!this.#blocks.has(block)) this.#blocks.set(block, this.#blocks.size);
    return `${this.#blocks.get(block)} ${alias}.${column}`;
  }

  #signature(node: Node): string {
    const { equal } = this.#statement;
    return JSON.stringify(node, (key, value) => {
      if (key === "location" || key === "typeName") return undefined;
      return key === "number" ? (equal[value - 1] ?? value) : value;
    }).replace(/\{"TypeCast":\{"arg":(\{.*?\})\}\}/, "$1");
  }

  #constantsOf(name: string): Set<string> {
    const names = new Set([name]);
    for (let size = 0; size < names.size; ) {
      size = names.size;
      for (const [a, b] of this.#equal) if (names.has(a) || names.has(b)) names.add(a).add(b);
    }
    return new Set([...names].flatMap((one) => this.#constants.get(one) ?? []));
  }

  #subqueries(node: Node, ctes: ReadonlyMap<string, Node>, block: Block): void {
    if (!node || typeof node !== "object") return;
    for (const [key, value] of Object.entries(node)) {
      if ((QUERIES as readonly string[]).includes(key)) this.#query({ [key]: value }, ctes, block);
      else this.#subqueries(value, ctes, block);
    }
  }

  /** The rules of a statement that changes rows of a distributed table. */
  #change(kind: string, body: Node, table: string, block: Block): void {
    const key = KEYS.get(table) ?? "";
    if (kind === "InsertStmt") {
      this.#keyOfInsert(body, key, table, block);
      if (contains(body.selectStmt?.SelectStmt?.valuesLists, "SubLink"))
        this.#broken.add("subquery in VALUES");
      // The number of rows in the answer to INSERT ... SELECT counts those that were left out.
      if (body.onConflictClause?.action === "ONCONFLICT_NOTHING" && !body.returningClause)
        this.#broken.add("DO NOTHING without RETURNING");
    }
    const updates = kind === "UpdateStmt" ? body.targetList : (body.onConflictClause?.targetList ?? []);
    if (updates?.some(({ ResTarget: { name } }: Node) => name === key)) this.#broken.add("changes the key");
    // Citus 13.2.2 ends with SIGSEGV.
    if (updates?.some(({ ResTarget: { val } }: Node) => val?.A_Indirection))
      this.#broken.add("element of an array in SET");
    const conditions = kind === "InsertStmt" ? body.onConflictClause?.whereClause : body.whereClause;
    for (const part of [kind === "DeleteStmt" ? [] : updates, conditions]) this.#functions(part, false);
    if (this.#calls(body.returningClause).some((volatility) => volatility !== "i"))
      this.#broken.add("mutable function in RETURNING");
  }

  /** An INSERT names the key in its columns, and each SELECT or VALUES has a constant there. */
  #keyOfInsert({ cols, selectStmt }: Node, key: string, table: string, block: Block): void {
    const at = cols?.findIndex(({ ResTarget: { name } }: Node) => name === key) ?? -1;
    if (at === -1) this.#broken.add("no key in INSERT");
    const select = selectStmt?.SelectStmt;
    const value = select?.valuesLists
      ? select.valuesLists[0]?.List?.items?.[at]
      : select?.targetList?.[at]?.ResTarget?.val;
    if (value && isConstant(value))
      this.#constants.set(this.#name(block, table, key), this.#signature(value));
  }

  #functions(node: Node, isInCase: boolean): void {
    if (!node || typeof node !== "object") return;
    for (const [key, value] of Object.entries<Node>(node)) {
      if ((QUERIES as readonly string[]).includes(key)) continue;
      const volatility = this.#volatilityOf(key, value);
      if (volatility === "v") this.#broken.add("volatile function");
      if (volatility !== "i" && isInCase) this.#broken.add("mutable function in CASE or COALESCE");
      if (volatility === "s" && contains(value, "ColumnRef")) this.#broken.add("stable function of a column");
      if (key === "TypeCast" && isOwnType(value) && contains(value.arg, "ColumnRef"))
        this.#broken.add("enum cast of a column");
      this.#functions(value, isInCase || key === "CaseExpr" || key === "CoalesceExpr");
    }
  }

  /** Of a function, or of the addition of an interval to a time. */
  #volatilityOf(key: string, value: Node): string {
    if (key === "FuncCall") return this.#volatility.get(value.funcname.at(-1).String.sval) ?? "i";
    const isSum = key === "A_Expr" && ["+", "-"].includes(value.name?.[0]?.String?.sval);
    return isSum && JSON.stringify(value).includes('"make_interval"') ? "s" : "i";
  }

  #calls(node: Node): string[] {
    if (!node || typeof node !== "object") return [];
    return Object.entries<Node>(node).flatMap(([key, value]) => [
      ...(key === "FuncCall" ? [this.#volatilityOf(key, value)] : []),
      ...this.#calls(value),
    ]);
  }
}

/** Citus adds functions of the same names, so the type of a parameter must be given. */
function hasUntypedPid(node: Node): boolean {
  if (!node || typeof node !== "object") return false;
  const { FuncCall: call } = node;
  if (
    ["pg_cancel_backend", "pg_terminate_backend"].includes(call?.funcname.at(-1).String.sval) &&
    call.args?.[0]?.ParamRef
  )
    return true;
  return Object.values(node).some(hasUntypedPid);
}

function isConstant(node: Node): boolean {
  return !contains(node, "ColumnRef") && !contains(node, "SubLink");
}

function isOwnType({ typeName }: Node): boolean {
  return typeName?.names?.[0]?.String?.sval === "rowmill" && !typeName.arrayBounds;
}

function contains(node: Node, key: string): boolean {
  if (!node || typeof node !== "object") return false;
  return Object.entries(node).some(([name, value]) => name === key || contains(value, key));
}
