/** Builds the console when its sources have changed. Several programs can do so at the same time. */
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { compressFiles } from "./compress-files.ts";
import { publish } from "./publish.ts";
import { sourceKey } from "./source-key.ts";

export interface Place {
  /** The folder with package.json. */
  readonly root: string;
  /** The folder of the built console, below a folder of its own. */
  readonly folder: string;
}

/** Builds the console into an empty folder. @throws Error if the sources have a mistake */
export type Build = (folder: string) => Promise<void>;

const DRAFT = "draft-";
/** No build takes so long, so the program that made the draft was killed. */
const ABANDONED_MS = 600_000;

/** Builds into a draft, so that a failed build changes nothing. @returns whether there was something to build */
export async function buildIfStale({ root, folder }: Place, build: Build): Promise<boolean> {
  const key = sourceKey(root);
  if (isBuiltFrom(folder, key)) return false;
  const parent = dirname(folder);
  await mkdir(parent, { recursive: true });
  await removeAbandoned(parent);
  const draft = await mkdtemp(join(parent, DRAFT));
  try {
    await build(draft);
    await compressFiles(join(draft, "assets"));
    await publish(draft, folder, markOf(key));
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return true;
}

function isBuiltFrom(folder: string, key: string): boolean {
  const page = join(folder, "index.html");
  return existsSync(page) && readFileSync(page, "utf8").endsWith(markOf(key));
}

function markOf(key: string): string {
  return `\n<!-- sources ${key} -->\n`;
}

async function removeAbandoned(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const path = join(parent, name);
    if (!name.startsWith(DRAFT)) continue;
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
    if (Date.now() - mtimeMs > ABANDONED_MS) await rm(path, { recursive: true, force: true });
  }
}
