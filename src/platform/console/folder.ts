import { fileURLToPath } from "node:url";

/** The folder of the built console. */
export const CONSOLE_FOLDER = fileURLToPath(new URL("../../../dist/console", import.meta.url));
