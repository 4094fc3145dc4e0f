/** The definition that the OpenAPI document shows. */
export const DEFINITION_EXAMPLE = {
  title: "Customers of the shop",
  destination: { type: "table", schema: "shop", table: "customers" },
  key: { columns: ["external_id"] },
  mode: { default: "upsert", allowed: ["insert", "upsert", "update", "skip_existing"] },
  locale: { decimal: ",", group: ".", date_order: "dmy", timezone: "Europe/Berlin" },
  columns: [
    {
      name: "external_id",
      label: "Customer no.",
      aliases: ["kundennr"],
      type: "text",
      required: true,
      transform: ["upper"],
      pattern: "^[A-Z]{2}[0-9]+$",
      pattern_message: "is two letters and digits, such as DE1042",
    },
    { name: "full_name", type: "text", required: true, max_length: 200 },
    { name: "email", type: "email", unique: { in_file: true, ignore_case: true } },
    { name: "credit", type: "decimal", precision: 10, scale: 2, minimum: 0 },
    { name: "born", type: "date", formats: ["dd.MM.yyyy"], maximum: "today" },
    {
      name: "country",
      to: "country_id",
      type: "lookup",
      lookup: { schema: "shop", table: "countries", match: ["iso2", "name"], value: "id", ignore_case: true },
    },
  ],
  rules: [
    {
      name: "credit_needs_email",
      if: { email: null },
      forbid: ["credit"],
      message: "customers with credit need an email address",
    },
  ],
  update: { empty_cell: "keep", only_if_changed: true },
  undo: "record_before_image",
  example_rows: [
    {
      external_id: "DE1042",
      full_name: "Ada Byron",
      email: "ada@example.com",
      credit: "1.250,00",
      born: "10.12.1985",
      country: "DE",
    },
  ],
};
