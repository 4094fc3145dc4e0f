import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { browser } from "./browser.ts";

interface Picture {
  readonly html: string;
  readonly width: number;
  /** At least the height of the page. */
  readonly height: number;
  readonly background: string;
  readonly colours: number;
  readonly isDark?: boolean;
}

const MARGIN = 16;

/** Draws a page into a PNG file, without the empty space around it. Needs Chromium. */
export async function takePicture(file: string, picture: Picture): Promise<void> {
  const { html, width, height, background, colours, isDark = false } = picture;
  const folder = mkdtempSync(join(tmpdir(), "rowmill-picture-"));
  try {
    const page = join(folder, "page.html");
    const shot = join(folder, "page.png");
    writeFileSync(page, html);
    const flags = [
      ...["--headless", "--no-sandbox", "--hide-scrollbars", `--window-size=${width},${height}`],
      `--blink-settings=preferredColorScheme=${isDark ? 0 : 1}`,
    ];
    execFileSync(browser, [...flags, `--screenshot=${shot}`, page], {
      stdio: "ignore",
    });
    await sharp(shot)
      .trim({ lineArt: true })
      .extend({ top: MARGIN, bottom: MARGIN, left: MARGIN, right: MARGIN, background })
      .png({ palette: true, colours })
      .toFile(file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
