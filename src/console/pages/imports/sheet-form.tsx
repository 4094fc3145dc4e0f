/** The settings of a workbook: which sheet, and where its table is. */
import { NativeSelect, SimpleGrid } from "@mantine/core";
import type { WorkbookDialect } from "../../../platform/workbooks/open-workbook.ts";
import { importWords } from "../../words/imports.ts";
import { type Reading, withSetting } from "./reading.ts";
import { TableFields } from "./table-fields.tsx";

const words = importWords.preview;

interface SheetFormProps {
  readonly reading: Reading;
  readonly dialect: WorkbookDialect;
  readonly sheets: readonly string[];
  readonly onChange: (reading: Reading) => void;
}

export function SheetForm({ reading, dialect, sheets, onChange }: SheetFormProps) {
  return (
    <SimpleGrid cols={{ base: 2, md: 3 }} spacing="sm" className="panel" p="sm">
      <NativeSelect
        label={words.sheet}
        description={words.sheets(sheets.length)}
        inputWrapperOrder={["label", "input", "description"]}
        value={reading.sheet ?? dialect.sheet}
        onChange={({ currentTarget: { value } }) => onChange(withSetting(reading, "sheet", value))}
        data={[...new Set(sheets)]}
      />
      <TableFields reading={reading} dialect={dialect} onChange={onChange} />
    </SimpleGrid>
  );
}
