/**
 * Draws docs/guide/mails/*.png, one picture of each kind of mail: node test/support/mail-pictures.ts
 * Needs Chromium on the PATH; CHROMIUM names another one.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import sharp from "sharp";
import { renderMail } from "../../src/mails/render/render-mail.ts";
import { sampleConfig, sampleMails } from "./sample-mails.ts";

const target = resolve(import.meta.dirname, "../../docs/guide/mails");
const WIDTH = 680;
const folder = mkdtempSync(join(tmpdir(), "rowmill-mails-"));

for (const mail of sampleMails) {
  const page = join(folder, `${mail.kind}.html`);
  const shot = join(folder, `${mail.kind}.png`);
  writeFileSync(page, renderMail(sampleConfig, mail).html);
  const flags = ["--headless", "--no-sandbox", "--hide-scrollbars", `--window-size=${WIDTH},1600`];
  execFileSync(process.env.CHROMIUM ?? "chromium", [...flags, `--screenshot=${shot}`, page], {
    stdio: "ignore",
  });
  await sharp(shot)
    .trim({ lineArt: true })
    .extend({ top: 16, bottom: 16, left: 16, right: 16, background: "#f1f3f5" })
    .png({ palette: true, colours: 32 })
    .toFile(join(target, `${mail.kind.replaceAll("_", "-")}.png`));
}
rmSync(folder, { recursive: true });
