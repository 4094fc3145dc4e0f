/** Writes Excel workbooks, also broken and hostile ones. */
import { crc32, deflateRawSync } from "node:zlib";

export interface ZipPart {
  readonly name: string;
  readonly content: string | Uint8Array;
  /** The size that the directory claims, if it lies. */
  readonly claimedBytes?: number;
  readonly isEncrypted?: boolean;
}

/** Writes a ZIP archive. */
export function zip(parts: readonly ZipPart[]): Buffer {
  const files: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, content, claimedBytes, isEncrypted = false } of parts) {
    const data = Buffer.from(content);
    const packed = deflateRawSync(data);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(isEncrypted ? 1 : 0, 2);
    fields.writeUInt16LE(8, 4);
    fields.writeUInt32LE(crc32(data), 10);
    fields.writeUInt32LE(packed.length, 14);
    fields.writeUInt32LE(claimedBytes ?? data.length, 18);
    fields.writeUInt16LE(Buffer.byteLength(name), 22);
    const local = Buffer.concat([Buffer.from("PK\x03\x04"), fields, Buffer.from(name), packed]);
    const end = Buffer.alloc(14);
    end.writeUInt32LE(offset, 10);
    const made = Buffer.from([20, 0]);
    directory.push(Buffer.concat([Buffer.from("PK\x01\x02"), made, fields, end, Buffer.from(name)]));
    files.push(local);
    offset += local.length;
  }
  const entries = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(parts.length % 65_536, 8);
  end.writeUInt16LE(parts.length % 65_536, 10);
  end.writeUInt32LE(entries.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...files, entries, end]);
}

/** `xml` is the whole element `<c>`. */
export type Cell =
  | string
  | number
  | boolean
  | null
  | { readonly xml: string }
  | { value: number; style: number };

interface SheetSpec {
  readonly name: string;
  readonly rows?: readonly (readonly Cell[])[];
  /** The content of `<sheetData>`, instead of rows. */
  readonly xml?: string;
  /** The whole part, instead of rows. */
  readonly part?: string | Uint8Array;
  readonly state?: "hidden" | "veryHidden";
}

export interface WorkbookSpec {
  readonly sheets: readonly SheetSpec[];
  /** The number formats of the styles 1, 2 and so on: a pattern, or the number of a built-in one. */
  readonly formats?: readonly (string | number)[];
  /** The elements `<si>`. Absent: texts are written into their cells. */
  readonly shared?: string;
  readonly is1904?: boolean;
  /** Added to the archive, or replacing a part. */
  readonly parts?: readonly ZipPart[];
}

const MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships";
const DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';

/** Writes a workbook with inline texts, in the order of parts that Excel uses: shared texts follow the sheets. */
export function workbook(spec: WorkbookSpec | readonly (readonly Cell[])[]): Buffer {
  return zip(workbookParts("sheets" in spec ? spec : { sheets: [{ name: "Sheet1", rows: spec }] }));
}

export function workbookParts(spec: WorkbookSpec): ZipPart[] {
  const { sheets, formats = [], shared, is1904 = false, parts = [] } = spec;
  const relation = (id: string, type: string, target: string) =>
    `<Relationship Id="${id}" Type="${RELATIONS}/${type}" Target="${target}"/>`;
  const tabs = sheets.map(
    ({ name, state }, at) =>
      `<sheet name="${escapeXml(name)}" sheetId="${at + 1}" ${state ? `state="${state}" ` : ""}r:id="rId${at + 1}"/>`,
  );
  const all: ZipPart[] = [
    { name: "[Content_Types].xml", content: `${DECLARATION}<Types/>` },
    {
      name: "_rels/.rels",
      content: `${DECLARATION}<Relationships xmlns="${PACKAGE}">${relation("rId1", "officeDocument", "xl/workbook.xml")}</Relationships>`,
    },
    {
      name: "xl/workbook.xml",
      content: `${DECLARATION}<workbook xmlns="${MAIN}" xmlns:r="${RELATIONS}"><workbookPr${is1904 ? ' date1904="1"' : ""}/><sheets>${tabs.join("")}</sheets></workbook>`,
    },
    {
      name: "xl/_rels/workbook.xml.rels",
      content: `${DECLARATION}<Relationships xmlns="${PACKAGE}">${sheets
        .map((_, at) => relation(`rId${at + 1}`, "worksheet", `worksheets/sheet${at + 1}.xml`))
        .join("")}${relation("rStyles", "styles", "styles.xml")}${
        shared === undefined ? "" : relation("rShared", "sharedStrings", "/xl/sharedStrings.xml")
      }</Relationships>`,
    },
    ...sheets.map((sheet, at) => ({
      name: `xl/worksheets/sheet${at + 1}.xml`,
      content:
        sheet.part ??
        `${DECLARATION}<worksheet xmlns="${MAIN}"><sheetData>${sheet.xml ?? rowsXml(sheet.rows ?? [])}</sheetData></worksheet>`,
    })),
    { name: "xl/styles.xml", content: stylesXml(formats) },
    ...(shared === undefined
      ? []
      : [{ name: "xl/sharedStrings.xml", content: `${DECLARATION}<sst xmlns="${MAIN}">${shared}</sst>` }]),
  ];
  return [...all.filter(({ name }) => !parts.some((part) => part.name === name)), ...parts];
}

export function rowsXml(rows: readonly (readonly Cell[])[]): string {
  return rows
    .map(
      (cells, at) =>
        `<row r="${at + 1}">${cells.map((cell, column) => cellXml(cell, column, at + 1)).join("")}</row>`,
    )
    .join("");
}

function cellXml(cell: Cell, column: number, row: number): string {
  const reference = `${String.fromCharCode(65 + column)}${row}`;
  if (cell === null) return "";
  if (typeof cell === "number") return `<c r="${reference}"><v>${cell}</v></c>`;
  if (typeof cell === "boolean") return `<c r="${reference}" t="b"><v>${cell ? 1 : 0}</v></c>`;
  if (typeof cell === "string")
    return `<c r="${reference}" t="inlineStr"><is><t xml:space="preserve">${escapeXml(cell)}</t></is></c>`;
  if ("xml" in cell) return cell.xml;
  return `<c r="${reference}" s="${cell.style}"><v>${cell.value}</v></c>`;
}

function stylesXml(formats: readonly (string | number)[]): string {
  const ids = formats.map((format, at) => (typeof format === "number" ? format : 164 + at));
  const declared = formats.flatMap((format, at) =>
    typeof format === "string" ? [`<numFmt numFmtId="${164 + at}" formatCode="${escapeXml(format)}"/>`] : [],
  );
  const styles = [0, ...ids].map((id) => `<xf numFmtId="${id}" applyNumberFormat="1"/>`);
  return `${DECLARATION}<styleSheet xmlns="${MAIN}"><numFmts>${declared.join("")}</numFmts><cellStyleXfs><xf numFmtId="9"/></cellStyleXfs><cellXfs>${styles.join("")}</cellXfs></styleSheet>`;
}

function escapeXml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
