/** `npm run build`: builds the console unless the last build is of the same sources. */
import { fileURLToPath } from "node:url";
import { buildEnvironment } from "./config/config.ts";
import { ConfigError } from "./errors.ts";
import { buildIfStale } from "./platform/console/build-console.ts";
import { CONSOLE_FOLDER } from "./platform/console/folder.ts";
import { viteBuild } from "./platform/console/run-vite.ts";
import { reportAndExit } from "./platform/process/lifecycle.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
try {
  const build = viteBuild(root, buildEnvironment());
  if (!build) throw new ConfigError("vite is not installed. Run `npm ci` without --omit=dev.");
  const isNew = await buildIfStale({ root, folder: CONSOLE_FOLDER }, build);
  console.log(isNew ? `The console is in ${CONSOLE_FOLDER}.` : "The console is up to date.");
} catch (error) {
  reportAndExit(error);
}
