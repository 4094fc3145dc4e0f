/** Draws docs/guide/reports/*.png, a daily report and, with the colours of dark pages, a weekly one: node test/support/report-pictures.ts */
import { join, resolve } from "node:path";
import { renderPage } from "../../src/platform/http/pages.ts";
import { reportPage } from "../../src/reports/report-page.ts";
import { sampleDay, sampleWeek } from "./sample-reports.ts";
import { takePicture } from "./take-picture.ts";

const target = resolve(import.meta.dirname, "../../docs/guide/reports");
const look = { width: 820, height: 2800, colours: 48 };

const day = renderPage(reportPage(sampleDay)).text;
await takePicture(join(target, "daily.png"), { html: day, ...look, background: "#fff" });
const week = renderPage(reportPage(sampleWeek)).text;
await takePicture(join(target, "weekly.png"), { html: week, ...look, background: "#16191d", isDark: true });
