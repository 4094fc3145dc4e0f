export const recordWords = {
  title: "Records",
  description: "Rows of any CSV, stored with the columns that their file has.",
  id: "Record",
  row: "Row",
  cells: "Cells",
  created: "Created",
  batch: "Only records of one import (its id)",
  fromImport: "Import",
  empty: "No records yet",
  emptyHint: 'Import a file into the target "records" to keep its rows with whatever columns it has.',
  emptyFilter: "This import has created no records.",
} as const;
