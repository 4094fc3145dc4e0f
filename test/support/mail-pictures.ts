/** Draws docs/guide/mails/*.png, one picture of each kind of mail: node test/support/mail-pictures.ts */
import { join, resolve } from "node:path";
import { renderMail } from "../../src/mails/render/render-mail.ts";
import { sampleConfig, sampleMails } from "./sample-mails.ts";
import { takePicture } from "./take-picture.ts";

const target = resolve(import.meta.dirname, "../../docs/guide/mails");

for (const mail of sampleMails) {
  const { html } = renderMail(sampleConfig, mail);
  const look = { width: 680, height: 1600, background: "#f1f3f5", colours: 32 };
  await takePicture(join(target, `${mail.kind.replaceAll("_", "-")}.png`), { html, ...look });
}
