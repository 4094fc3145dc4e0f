/** Finds the sheets of a workbook and the parts that they need. */
import { invalidField } from "../../errors.ts";
import { damaged, quoted, SAVE_AS_XLSX, tooLarge } from "./refusals.ts";
import { type Attributes, attributeOf, readXml } from "./xml.ts";
import type { Zip } from "./zip.ts";

export interface Sheet {
  readonly name: string;
  readonly path: string;
  readonly isHidden: boolean;
}

export interface Structure {
  /** Without charts, in the order of their tabs. */
  readonly sheets: readonly [Sheet, ...Sheet[]];
  /** Whether dates count from 1904, as in old files of the Macintosh. */
  readonly is1904: boolean;
  readonly stylesPath: string | undefined;
  readonly stringsPath: string | undefined;
}

interface Relation {
  readonly type: string;
  readonly path: string;
  readonly isExternal: boolean;
}

const MAX_PART_BYTES = 16 * 2 ** 20;
const MAX_SHEETS = 10_000;
const MAX_RELATIONS = 100_000;

/** @throws DomainError `invalid_input` that says what the file is, if it is no workbook */
export async function readStructure(zip: Zip): Promise<Structure> {
  refuseOtherArchives(zip);
  const roots = await readRelations(zip, "_rels/.rels", "");
  const workbook =
    [...roots.values()].find(({ type }) => type === "officeDocument")?.path ?? "xl/workbook.xml";
  const folder = workbook.slice(0, workbook.lastIndexOf("/") + 1);
  const relationsPath = `${folder}_rels/${workbook.slice(folder.length)}.rels`;
  const relations = await readRelations(zip, relationsPath, folder);
  const { tabs, is1904 } = await readWorkbook(zip, workbook);
  const found = tabs.flatMap(({ name, isHidden, id }) => {
    const relation = relations.get(id);
    if (!relation) throw damaged(`it does not say where its sheet ${quoted(name)} is`);
    if (relation.type !== "worksheet") return [];
    if (relation.isExternal) throw damaged(`its sheet ${quoted(name)} is a link to another file`);
    return [{ name, isHidden, path: relation.path }];
  });
  const [first, ...others] = found;
  if (!first) throw invalidField("file", "is a workbook without a sheet of cells. Send one with a table.");
  const pathOf = (type: string) => [...relations.values()].find((one) => one.type === type)?.path;
  return {
    sheets: [first, ...others],
    is1904,
    stylesPath: pathOf("styles"),
    stringsPath: pathOf("sharedStrings"),
  };
}

const OPEN_AND_SAVE = `Open it, ${SAVE_AS_XLSX}`;
const EXPORT = "Export the data as .xlsx or CSV, and send that file.";

function refuseOtherArchives(zip: Zip): void {
  const known: readonly (readonly [isSo: boolean, what: string, advice: string])[] = [
    [zip.has("xl/workbook.bin"), "a binary Excel workbook (.xlsb)", OPEN_AND_SAVE],
    [zip.has("content.xml") && zip.has("mimetype"), "an OpenDocument file", OPEN_AND_SAVE],
    [zip.hasFolder("Index/") || zip.has("Index.zip"), "a file of Numbers, Pages or Keynote", OPEN_AND_SAVE],
    [zip.hasFolder("word/"), "a text document", EXPORT],
    [zip.hasFolder("ppt/"), "a presentation", EXPORT],
    [
      !zip.has("[Content_Types].xml"),
      "an archive",
      "Unpack it, and send the CSV file or the workbook in it.",
    ],
  ];
  const other = known.find(([isSo]) => isSo);
  if (other) throw invalidField("file", `is ${other[1]}, not CSV or an Excel workbook (.xlsx). ${other[2]}`);
}

/** @param folder where relative paths start @returns the relations by id; none if there is no such part */
async function readRelations(zip: Zip, path: string, folder: string): Promise<Map<string, Relation>> {
  const relations = new Map<string, Relation>();
  if (!zip.has(path)) return relations;
  await readSmallPart(zip, path, (name, attributes) => {
    if (name !== "Relationship") return;
    if (relations.size >= MAX_RELATIONS)
      throw tooLarge(`has more than ${MAX_RELATIONS} relations between parts`);
    const { Id = "", Type = "", Target = "", TargetMode } = attributes;
    relations.set(Id, {
      type: Type.slice(Type.lastIndexOf("/") + 1),
      path: resolvePath(folder, Target),
      isExternal: TargetMode === "External",
    });
  });
  return relations;
}

interface Tab {
  readonly name: string;
  readonly id: string;
  readonly isHidden: boolean;
}

async function readWorkbook(zip: Zip, path: string): Promise<{ tabs: Tab[]; is1904: boolean }> {
  const tabs: Tab[] = [];
  let is1904 = false;
  await readSmallPart(zip, path, (name, attributes) => {
    if (name === "workbookPr") is1904 = isTrue(attributeOf(attributes, "date1904"));
    if (name !== "sheet") return;
    if (tabs.length >= MAX_SHEETS) throw tooLarge(`has more than ${MAX_SHEETS} sheets`);
    const state = attributes.state ?? "visible";
    const id = attributeOf(attributes, "id") ?? "";
    tabs.push({ name: attributes.name ?? "", id, isHidden: state !== "visible" });
  });
  return { tabs, is1904 };
}

async function readSmallPart(
  zip: Zip,
  path: string,
  open: (name: string, attributes: Attributes) => void,
): Promise<void> {
  const handler = { open, close: () => {} };
  for await (const _ of readXml(path, zip.read(path, MAX_PART_BYTES), handler));
}

function isTrue(text: string | undefined): boolean {
  return text === "1" || text === "true";
}

/** Parts are looked up in the archive only, so a path that leaves it finds nothing. */
function resolvePath(folder: string, target: string): string {
  if (target.startsWith("/")) return target.slice(1);
  const steps: string[] = [];
  for (const step of `${folder}${target}`.split("/")) {
    if (step === "..") steps.pop();
    else if (step !== "." && step !== "") steps.push(step);
  }
  return steps.join("/");
}
