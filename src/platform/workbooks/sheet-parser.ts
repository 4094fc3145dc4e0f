/** Collects the rows of a sheet from its XML. */
import { columnLetters, columnOf, MAX_COLUMNS, MAX_ROWS } from "./cell-refs.ts";
import { cellText } from "./cell-value.ts";
import { damaged } from "./refusals.ts";
import type { WriterOf } from "./styles.ts";
import { TextCollector } from "./text-collector.ts";
import type { Attributes, XmlHandler } from "./xml.ts";

const INDEX = /^\s*\d{1,15}\s*$/;

/** A row whose shared texts are not filled in. */
export interface RawRow {
  readonly row: number;
  readonly fields: string[];
  /** Pairs of a column and the number of a shared text. */
  readonly shared: number[];
  problem: string | null;
}

/** Refuses cells and rows that exceed a limit. */
export interface CellChecks {
  readonly cellMaxBytes: number;
  checkRow(row: number, chars: number): void;
  checkColumn(row: number, column: number): void;
  checkCell(row: number, column: number, text: string): void;
}

export class SheetParser implements XmlHandler {
  /** The rows so far. The caller takes them out. */
  rows: RawRow[] = [];
  /** Whether all rows have been read. */
  isEnd = false;
  readonly #writerOf: WriterOf;
  readonly #checks: CellChecks;
  readonly #inline: TextCollector;
  #row = 0;
  #current: RawRow | undefined;
  /** The column of the last cell. */
  #column = -1;
  /** The number of characters of the row so far. */
  #chars = 0;
  #isInCell = false;
  #type = "n";
  #style = 0;
  #hasFormula = false;
  #value: string | undefined;
  #isInValue = false;

  constructor(writerOf: WriterOf, checks: CellChecks) {
    this.#writerOf = writerOf;
    this.#checks = checks;
    this.#inline = new TextCollector(checks.cellMaxBytes);
  }

  open(name: string, attributes: Attributes): void {
    if (this.#isInCell) {
      if (name === "v") {
        this.#value = "";
        this.#isInValue = true;
      } else if (name === "f") this.#hasFormula = true;
      else this.#inline.open(name);
    } else if (name === "c" && this.#current) this.#openCell(attributes);
    else if (name === "row") this.#openRow(attributes);
  }

  text(text: string): void {
    if (this.#isInValue) {
      this.#value += text;
      // A formula can make a text longer than any cell that is typed.
      if ((this.#value?.length ?? 0) > this.#checks.cellMaxBytes)
        this.#checks.checkCell(this.#row, this.#column, this.#value ?? "");
    } else if (this.#isInCell) this.#inline.text(text);
  }

  close(name: string): void {
    if (this.#isInCell) {
      if (name === "v") this.#isInValue = false;
      else if (name === "c") this.#closeCell();
      else this.#inline.close(name);
    } else if (name === "row") this.#closeRow();
    else if (name === "sheetData") this.isEnd = true;
  }

  #openRow({ r }: Attributes): void {
    const row = r === undefined ? this.#row + 1 : Number(r);
    if (!Number.isInteger(row) || row < 1 || row > MAX_ROWS)
      throw damaged(`a row has the number ${(r ?? String(row)).slice(0, 20)}, which no sheet has`);
    if (row <= this.#row) throw damaged(`row ${row} comes after row ${this.#row}`);
    this.#row = row;
    this.#column = -1;
    this.#chars = 0;
    this.#current = { row, fields: [], shared: [], problem: null };
  }

  #openCell({ r, t = "n", s = "0" }: Attributes): void {
    const column = r === undefined ? this.#column + 1 : columnOf(r);
    if (column < 0 || column >= MAX_COLUMNS)
      throw damaged(`row ${this.#row} has a cell ${(r ?? "").slice(0, 20)}, which no sheet has`);
    if (column <= this.#column)
      throw damaged(`the cells of row ${this.#row} are not in the order of their columns`);
    this.#column = column;
    this.#isInCell = true;
    this.#type = t;
    this.#style = Number(s);
    this.#hasFormula = false;
    this.#value = undefined;
    if (t === "inlineStr") this.#inline.start();
  }

  #closeCell(): void {
    this.#isInCell = false;
    const row = this.#current;
    if (!row) return;
    if (this.#type === "s" && this.#value !== undefined) {
      const index = INDEX.test(this.#value) ? Number(this.#value) : -1;
      if (index < 0) throw damaged(`cell ${this.#cell()} refers to no shared text`);
      this.#checks.checkColumn(row.row, this.#column);
      row.shared.push(this.#column, index);
      return;
    }
    const isInline = this.#type === "inlineStr";
    // Programs that do not calculate leave the result out, or write an empty number.
    if (!isInline && this.#hasFormula && this.#type !== "str" && (this.#value ?? "") === "") {
      row.problem ??= `Cell ${this.#cell()} has a formula without a result. Open the workbook in a spreadsheet program, and save it there.`;
    }
    const text = isInline
      ? this.#inline.end()
      : this.#value === undefined
        ? ""
        : cellText(this.#type, this.#value, this.#style, this.#writerOf);
    if (text === "") return;
    this.#checks.checkColumn(row.row, this.#column);
    this.#checks.checkCell(row.row, this.#column, text);
    this.#chars += text.length;
    this.#checks.checkRow(row.row, this.#chars);
    placeCell(row.fields, this.#column, text);
  }

  #closeRow(): void {
    const row = this.#current;
    this.#current = undefined;
    if (row && (row.fields.length > 0 || row.shared.length > 0 || row.problem !== null)) this.rows.push(row);
  }

  #cell(): string {
    return `${columnLetters(this.#column)}${this.#row}`;
  }
}

export function placeCell(fields: string[], column: number, text: string): void {
  while (fields.length < column) fields.push("");
  fields[column] = text;
}
