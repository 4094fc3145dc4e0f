/** Files that are no pictures, or worse: each fails for good, with a code of its own. */
import { randomBytes } from "node:crypto";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { isWholeGif } from "../../../../src/platform/pictures/gif.ts";
import { animation, bomb, FORMATS, gradient, noise, picture, SVG } from "../../../support/pictures.ts";
import { type ImageOptions, runImage as run } from "../../../support/run-image.ts";
import { refusalOf } from "../../../support/task-input.ts";

const failure = (bytes: Buffer, options?: ImageOptions) => refusalOf(run(bytes, options));

test("an image of zero bytes is refused as empty", async () => {
  const { code, message } = await failure(Buffer.alloc(0));
  expect([code, message]).toEqual(["empty_file", "photo.jpg is empty: the file has no bytes."]);
});

test.each([
  ["SVG", async () => SVG],
  ["SVG with a declaration", async () => Buffer.from(`<?xml version="1.0"?>\n${SVG}`)],
  [
    "SVG with a file of the machine in it",
    async () => Buffer.from(`${SVG}`.replace("<script>", '<image href="file:///etc/passwd"/><script>')),
  ],
  ["PDF", async () => Buffer.from("%PDF-1.7\n1 0 obj\n<<>>\nendobj\n")],
  ["TIFF", () => noise(10, 10).tiff().toBuffer()],
  ["BMP", async () => Buffer.from("BM\x46\x00\x00\x00\x00\x00\x00\x00\x36\x00\x00\x00", "latin1")],
  ["HTML", async () => Buffer.from("<!doctype html><img src=x onerror=alert(1)>")],
  ["text", async () => Buffer.from("title,author\nEmma,Jane Austen\n")],
  ["a zip", async () => Buffer.from("PK\x03\x04\x14\x00\x00\x00", "latin1")],
  ["noise", async () => randomBytes(5000)],
])("%s named photo.jpg is refused by its content", async (_, make) => {
  const { code, message } = await failure(await make());
  expect([code, message]).toEqual([
    "unsupported_format",
    "photo.jpg is not a JPEG, PNG, WebP, AVIF or GIF. The content decides, not the name.",
  ]);
});

test("an image with a wrong extension is read by its content", async () => {
  const { result, made } = await run(await picture("png"), { name: "page.pdf" });
  expect(result).toMatchObject({ format: "png", original: { format: "png" } });
  expect(made[0]?.name).toBe("page.png");
});

describe("too many pixels", () => {
  test("an image of 900 million pixels in 110 kB is refused from its header", async () => {
    const bytes = bomb();
    expect(bytes.length).toBeLessThan(200_000);
    const before = process.resourceUsage().maxRSS;
    const { code, message } = await failure(bytes);
    expect(code).toBe("too_many_pixels");
    expect(message).toBe(
      "photo.jpg has 900000000 pixels (30000 x 30000); at most 50000000 are allowed (PICTURE_MAX_PIXELS).",
    );
    // In kB; decoded it would be 2.7 GB.
    expect(process.resourceUsage().maxRSS - before).toBeLessThan(50_000);
  });

  test("an image of 100 megapixels is refused", async () => {
    expect((await failure(bomb(10_000))).message).toMatch(/^photo\.jpg has 100000000 pixels/);
  });

  test("the pixel limit counts all frames of an animation", async () => {
    const bytes = await animation("gif", 5, 20);
    const { code, message } = await failure(bytes, { maxPixels: 1999 });
    expect([code, message]).toEqual([
      "too_many_pixels",
      expect.stringMatching(/2000 pixels \(20 x 20 x 5 frames\)/),
    ]);
    expect((await run(bytes, { maxPixels: 2000 })).result.width).toBe(20);
  });

  test("the pixel limit is halved for 16 bits per channel", async () => {
    const deep = await sharp(await picture("png", 100, 10))
      .toColourspace("rgb16")
      .png()
      .toBuffer();
    expect((await failure(deep, { maxPixels: 1999 })).message).toMatch(
      /The limit for a PNG with more than 8 bits per channel, which takes 2 times .* is 999 /,
    );
    expect((await run(deep, { maxPixels: 2000 })).result.width).toBe(100);
  });
});

test("an animation with too many frames is refused", async () => {
  const { code, message } = await failure(await animation("gif", 1001, 2));
  expect([code, message]).toEqual([
    "too_many_frames",
    "photo.jpg has 1001 frames; at most 1000 are allowed.",
  ]);
});

describe("damaged", () => {
  const DAMAGED = ["damaged", "photo.jpg is damaged or incomplete."];
  const COVER = { resize: { width: 20, height: 5, fit: "cover" } } as const;

  test.each(FORMATS)("a truncated %s is reported as damaged", async (format) => {
    const whole = await picture(format, 150, 100);
    for (const share of [0.3, 0.5, 0.95]) {
      const cut = whole.subarray(0, Math.floor(whole.length * share));
      for (const params of [{}, { resize: { width: 20 } }, COVER]) {
        const { code, message } = await failure(cut, { params });
        expect([share, params, code, message]).toEqual([share, params, ...DAMAGED]);
      }
    }
  });

  test.each(["gif", "webp"] as const)("a truncated animated %s is reported as damaged", async (format) => {
    const whole = await animation(format, 4);
    for (const share of [0.3, 0.6, 0.95]) {
      const { code } = await failure(whole.subarray(0, Math.floor(whole.length * share)), {
        params: { format: "png" },
      });
      expect([share, code]).toEqual([share, "damaged"]);
    }
  });

  test.each(FORMATS)("a %s with a valid header and random data is refused", async (format) => {
    const whole = await gradient();
    const bytes = await sharp(whole).toFormat(format).toBuffer();
    const broken = Buffer.concat([
      bytes.subarray(0, Math.floor(bytes.length / 4)),
      randomBytes(bytes.length),
    ]);
    expect(["damaged", "unsupported_format"]).toContain((await failure(broken)).code);
  });
});

test("extra bytes before the end of a JPEG are accepted", async () => {
  const whole = await picture("jpeg");
  const bytes = Buffer.concat([whole.subarray(0, -2), Buffer.from([1, 2, 3]), whole.subarray(-2)]);
  expect((await run(bytes)).result).toMatchObject({ width: 60, height: 40 });
});

test("data appended to an image is dropped", async () => {
  const hidden = Buffer.from("<script>alert(document.domain)</script>PK\x03\x04");
  for (const format of FORMATS) {
    const { made } = await run(Buffer.concat([await picture(format), hidden]));
    expect(made[0]?.bytes.includes("script")).toBe(false);
  }
});

test("checking a GIF of 50 MB of tiny blocks does not block the event loop", async () => {
  const header = Buffer.alloc(13);
  header.write("GIF89a");
  const bytes = Buffer.concat([header, Buffer.alloc(50 * 2 ** 20, Buffer.from([0x21, 0xfe, 0]))]);
  let turns = 0;
  const counted = setInterval(() => turns++, 0);
  expect(await isWholeGif(bytes)).toBe(false);
  clearInterval(counted);
  // All at once it is about 60 ms.
  expect(turns).toBeGreaterThan(20);
});

describe("a cancelled task", () => {
  test("a cancelled image task stops before its next step and stores nothing more", async () => {
    const controller = new AbortController();
    const files: string[] = [];
    const onStep = (message: string) => {
      files.push(message);
      if (message === "Detecting colours") controller.abort(new Error("cancelled"));
    };
    const running = run(await picture("jpeg"), {
      signal: controller.signal,
      onStep,
      params: { thumbnails: [16] },
    });
    await expect(running).rejects.toThrow("cancelled");
    expect(files.at(-1)).toBe("Detecting colours");
  });

  test("a cancelled image task does not wait for a free slot", async () => {
    const bytes = await noise(1500, 1500).jpeg().toBuffer();
    const busy = [run(bytes, { params: { format: "avif" } }), run(bytes, { params: { format: "avif" } })];
    const controller = new AbortController();
    const steps: string[] = [];
    const waiting = run(bytes, { signal: controller.signal, onStep: (message) => steps.push(message) });
    controller.abort(new Error("cancelled"));
    await expect(Promise.race([waiting, ...busy])).rejects.toThrow("cancelled");
    expect(steps).toEqual([]);
    await Promise.all(busy);
  });
});
