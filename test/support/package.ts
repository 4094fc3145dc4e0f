/** Packs the client and the command line for npm. `npm run package` calls it; the server is not in the package. */
import { execFile } from "node:child_process";
import { cp, mkdir, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import packageJson from "../../package.json" with { type: "json" };

const execute = promisify(execFile);
const root = resolve(import.meta.dirname, "../..");

/** The package has JavaScript: Node.js refuses TypeScript below node_modules. */
const toJavaScript = (path: string) => path.replace("./src/", "./lib/").replace(/\.ts$/, ".js");

const exported = Object.entries(packageJson.exports);

const manifest = {
  name: packageJson.name,
  version: packageJson.version,
  description: "Client and command line for Rowmill: bulk CSV uploads and background tasks",
  license: packageJson.license,
  type: packageJson.type,
  engines: packageJson.engines,
  bin: { rowmill: toJavaScript(`./${packageJson.bin.rowmill}`) },
  exports: Object.fromEntries(
    exported.map(([name, path]) => [
      name,
      { types: toJavaScript(path).replace(/\.js$/, ".d.ts"), default: toJavaScript(path) },
    ]),
  ),
  files: ["lib"],
};

/** @returns the path of the archive, in the folder */
export async function packClients(folder: string): Promise<string> {
  const lib = join(folder, "lib");
  await rm(lib, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await writeFile(
    join(folder, "tsconfig.json"),
    JSON.stringify({
      extends: join(root, "tsconfig.json"),
      compilerOptions: {
        noEmit: false,
        declaration: true,
        rewriteRelativeImportExtensions: true,
        rootDir: join(root, "src"),
        outDir: lib,
        typeRoots: [join(root, "node_modules/@types")],
      },
      include: [],
      files: [packageJson.bin.rowmill, ...exported.map(([, path]) => path)].map((path) => join(root, path)),
    }),
  );
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  await execute(process.execPath, [tsc, "--project", folder, "--singleThreaded"]);
  await writeFile(join(folder, "package.json"), JSON.stringify(manifest, null, 2));
  await cp(join(root, "LICENSE"), join(folder, "LICENSE"));
  await cp(join(root, "docs/guide/client.md"), join(folder, "README.md"));
  const { stdout } = await execute("npm", ["pack", "--json"], { cwd: folder });
  const [{ filename }] = JSON.parse(stdout);
  return join(folder, filename);
}

if (import.meta.main) process.stdout.write(`${await packClients(join(root, "dist"))}\n`);
