/** `rowmill target ...`: administrators define targets from a terminal. */
import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { newAdmin } from "../support/admin.ts";
import { RemoteCommand } from "../support/remote-command.ts";
import { useShop } from "../support/use-shop.ts";

const { rowmill, role } = useShop();
let home: Awaited<ReturnType<typeof mkdtempDisposable>>;
let admin: RemoteCommand;
let user: RemoteCommand;

beforeAll(async () => {
  home = await mkdtempDisposable(join(tmpdir(), "rowmill-"));
  await newAdmin(rowmill);
  await rowmill.client.signUp("ada");
  admin = new RemoteCommand({ XDG_CONFIG_HOME: join(home.path, "admin") });
  user = new RemoteCommand({ XDG_CONFIG_HOME: join(home.path, "user") });
  const stdin = "correct horse\n";
  await admin.run(["login", rowmill.url, "--user", "root"], { stdin });
  await user.run(["login", rowmill.url, "--user", "ada"], { stdin });
});
afterAll(() => home.remove());

async function fileOf(name: string, content: unknown): Promise<string> {
  const path = join(home.path, name);
  await writeFile(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

test("a target is proposed, added, listed, shown, tested, changed and removed", async () => {
  const proposed = await admin.run(["target", "propose", "--table", "shop.customers"]);
  expect(proposed).toMatchObject({ code: 0 });
  expect(proposed.stderr).toContain("Note: The column id (bigint) is left out: PostgreSQL numbers it");
  const definition = JSON.parse(proposed.stdout);
  expect(definition.key).toEqual({ columns: ["external_id"] });

  const added = await admin.run(["target", "add", "customers", "--table", "shop.customers"]);
  expect(added).toMatchObject({ code: 0 });
  expect(added.stdout).toMatch(
    /^NAME +VERSION +DESTINATION +COLUMNS +KEY\ncustomers +1 +table +18 +external_id\n$/,
  );
  const taken = await admin.run(["target", "add", "customers", "--table", "shop.customers"]);
  expect(taken).toMatchObject({
    code: 1,
    stdout: "",
    stderr: expect.stringMatching(/already.*\(conflict, request /),
  });

  const listed = await user.run(["targets"]);
  expect(listed.stdout).toMatch(
    /^customers +table +1 +insert upsert update skip_existing +People who buy\.$/m,
  );
  const list = JSON.parse((await user.run(["targets", "--json"])).stdout);
  expect(list.items.map(({ name }: { name: string }) => name)).toContain("customers");
  const shown = JSON.parse((await admin.run(["target", "show", "customers"])).stdout);
  expect(shown).toMatchObject({ name: "customers", version: 1, saved_by: "root", definition });

  const rows = [
    { external_id: "C1", full_name: "Ada Byron", country: "DE" },
    { external_id: "C2", full_name: "", country: "Atlantis" },
  ];
  const file = await fileOf("customers.json", {
    ...shown,
    definition: { ...definition, example_rows: rows },
  });
  const updated = await admin.run(["target", "update", "customers", "--file", file, "--version", "1"]);
  expect(updated).toMatchObject({ code: 0, stdout: expect.stringMatching(/^customers +2 +table/m) });
  const late = await admin.run(["target", "update", "customers", "--file", file, "--version", "1"]);
  expect(late).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/version 2 now.*\(conflict, request /),
  });
  expect(JSON.parse((await admin.run(["target", "show", "customers", "--version", "1"])).stdout)).toEqual(
    shown,
  );

  const tested = await admin.run(["target", "test", "customers"]);
  expect(tested.code).toBe(2);
  expect(tested.stdout).toMatch(/2 +success +created/);
  expect(tested.stdout).toMatch(/3 +failed .*full_name is required/);
  const { rows: customers } = await rowmill.ctx.pool.query("SELECT FROM shop.customers");
  expect(customers).toEqual([]);

  expect(await admin.run(["target", "remove", "customers"])).toEqual({ code: 0, stdout: "", stderr: "" });
  expect((await admin.run(["target", "show", "customers"])).stderr).toMatch(/\(not_found, request /);
});

test("a table that the role may not write yet is refused with the way to grant it", async () => {
  await rowmill.ctx.pool.query("CREATE TABLE shop.fresh (id int PRIMARY KEY, name text)");
  const added = await admin.run(["target", "add", "fresh", "--table", "shop.fresh"]);
  expect(added).toMatchObject({ code: 1, stdout: "" });
  expect(added.stderr).toContain(
    `from_table: the role ${role} may not write into shop.fresh. Run \`npm run cli -- tables grant\`, or as the owner of the ` +
      `table: GRANT SELECT, INSERT, UPDATE, DELETE ON shop.fresh TO ${role}; (invalid_input, request `,
  );
});

test("wrong commands say what is wrong and change nothing", async () => {
  await rowmill.ctx.pool.query("CREATE VIEW shop.customer_names AS SELECT full_name FROM shop.customers");
  const noJson = await fileOf("broken.json", "{");
  const wrong = await fileOf("wrong.json", {
    destination: { type: "records" },
    columns: [{ name: "a", type: "x" }],
  });
  const cases: [string[], RegExp][] = [
    [["add"], /^rowmill: NAME is missing\. Usage: rowmill target add NAME /],
    [["add", "one"], /^rowmill: Send either --table or --file\.\n$/],
    [
      ["add", "one", "--table", "shop.customers", "--file", wrong],
      /^rowmill: Send either --table or --file\.\n$/,
    ],
    [
      ["add", "one", "--table", "customers"],
      /^rowmill: from_table: must be a table with its schema, .*\(invalid_input, /,
    ],
    [["add", "one", "--table", "rowmill.users"], /^rowmill: from_table: .*\(invalid_input, /],
    [
      ["add", "one", "--table", "shop.nothing"],
      /^rowmill: from_table: the database has no table shop\.nothing\. \(invalid_input, /,
    ],
    [
      ["add", "one", "--table", "shop.customer_names"],
      /^rowmill: from_table: shop\.customer_names is a view\. Rows are written into tables only\. \(invalid_input, /,
    ],
    [["add", "one", "--file", noJson], /^rowmill: .*broken\.json is not JSON\.\n$/],
    [["add", "one", "--file", "/no/such.json"], /^rowmill: .*\/no\/such\.json/],
    [["add", "one", "--file", wrong], /^rowmill: columns\.0\.type: .*must be one of.*\(invalid_input, /],
    [["add", "One", "--table", "shop.customers"], /^rowmill: name: .*\(invalid_input, /],
    [["propose"], /^rowmill: --table is missing\. Example: --table shop\.customers\n$/],
    [["update", "one"], /^rowmill: --file is missing\./],
    [
      ["update", "one", "--file", wrong, "--version", "x"],
      /^rowmill: --version: must be a whole number from 1\.\n$/,
    ],
    [["show", "nobody"], /^rowmill: .*\(not_found, /],
    [["remove", "nobody"], /^rowmill: .*\(not_found, /],
    [["remove", "books"], /^rowmill: /],
  ];
  for (const [args, stderr] of cases) {
    const ended = await admin.run(["target", ...args]);
    expect(ended, args.join(" ")).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringMatching(stderr),
    });
  }
  const { stdout } = await admin.run(["targets"]);
  expect(stdout).not.toMatch(/^(one|fresh) /m);
  for (const args of [
    ["add", "one", "--table", "shop.customers"],
    ["show", "books"],
    ["remove", "books"],
  ])
    expect(await user.run(["target", ...args])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/\(forbidden, /),
    });
});
