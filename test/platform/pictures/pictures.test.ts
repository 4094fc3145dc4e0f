import { randomBytes } from "node:crypto";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { isWholeGif } from "../../../src/platform/pictures/gif.ts";
import { PictureRefused } from "../../../src/platform/pictures/refused.ts";
import { MAX_SIDE, type Picture, readPicture } from "../../../src/platform/pictures/stored-picture.ts";
import { animation, bomb, FORMATS, noise, photo, picture, SVG } from "../../support/pictures.ts";

const MAX_PIXELS = 50_000_000;
const read = (bytes: Buffer, maxPixels = MAX_PIXELS): Promise<Picture> => readPicture(bytes, maxPixels);

async function refusal(bytes: Buffer, maxPixels = MAX_PIXELS): Promise<PictureRefused> {
  const error = await read(bytes, maxPixels).then(
    () => null,
    (error: unknown) => error,
  );
  if (!(error instanceof PictureRefused)) throw new Error(`not refused: ${error}`);
  return error;
}

describe("a picture", () => {
  test.each(FORMATS)("a %s picture keeps its format and size and gets a thumbnail", async (format) => {
    const read = await readPicture(await picture(format, 400, 300), MAX_PIXELS);
    expect(read.mediaType).toBe(`image/${format}`);
    expect(read.extension).toBe(format === "jpeg" ? "jpg" : format);
    const kept = await sharp(read.bytes).metadata();
    expect(kept).toMatchObject({ mediaType: `image/${format}`, width: 400, height: 300 });
    const thumbnail = await sharp(read.thumbnail).metadata();
    expect(thumbnail).toMatchObject({ format: "webp", width: 320, height: 240 });
  });

  test("a picture smaller than a thumbnail is not enlarged", async () => {
    const { thumbnail } = await read(await picture("png", 50, 20));
    expect(await sharp(thumbnail).metadata()).toMatchObject({ width: 50, height: 20 });
  });

  test("a large picture is scaled down", async () => {
    const { bytes } = await read(await picture("jpeg", MAX_SIDE + 1000, 500));
    const { width, height } = await sharp(bytes).metadata();
    expect([width, height]).toEqual([MAX_SIDE, Math.round((500 * MAX_SIDE) / (MAX_SIDE + 1000))]);
  });

  test("a picture is turned upright and loses its metadata", async () => {
    const taken = await photo();
    const before = await sharp(taken).metadata();
    expect(before).toMatchObject({ width: 80, height: 40, orientation: 6 });
    expect(before.exif?.toString("latin1")).toContain("SecretCamera");
    expect(taken.toString("latin1")).toContain("SecretPlace");

    const { bytes, thumbnail } = await read(taken);
    for (const made of [bytes, thumbnail]) {
      const after = await sharp(made).metadata();
      expect(after).toMatchObject({ width: 40, height: 80 });
      expect([after.orientation, after.exif, after.xmp, after.iptc]).toEqual([
        undefined,
        undefined,
        undefined,
        undefined,
      ]);
      expect(made.toString("latin1")).not.toMatch(/Secret|Exif|GPS/);
      // Turned clockwise, the left half is on top.
      const [red = 0, , blue = 0] = await sharp(made)
        .extract({ left: 20, top: 10, width: 1, height: 1 })
        .raw()
        .toBuffer();
      expect([red > 200, blue < 50]).toEqual([true, true]);
    }
  });

  test.each(["gif", "webp"] as const)("an animated %s stays animated", async (format) => {
    const { bytes, thumbnail } = await read(await animation(format, 5));
    expect((await sharp(bytes).metadata()).pages).toBe(5);
    expect((await sharp(thumbnail).metadata()).pages ?? 1).toBe(1);
  });

  test("data appended to a picture is dropped", async () => {
    const hidden = Buffer.from("<script>alert(document.domain)</script>PK\x03\x04");
    for (const format of FORMATS) {
      const { bytes } = await read(Buffer.concat([await picture(format), hidden]));
      expect(bytes.includes("script")).toBe(false);
    }
  });
});

describe("refused is", () => {
  const OTHER = "is not a JPEG, PNG, WebP, AVIF or GIF. The content decides, not the name.";
  const DAMAGED = "is damaged or incomplete.";

  test("a picture of zero bytes is refused", async () => {
    expect((await refusal(Buffer.alloc(0))).message).toBe("is empty: the file has no bytes.");
  });

  test.each([
    ["SVG", async () => SVG],
    ["SVG with a declaration", async () => Buffer.from(`<?xml version="1.0"?>\n${SVG}`)],
    ["TIFF", () => noise(10, 10).tiff().toBuffer()],
    ["PDF", async () => Buffer.from("%PDF-1.7\n1 0 obj\n<<>>\nendobj\n")],
    ["BMP", async () => Buffer.from("BM\x46\x00\x00\x00\x00\x00\x00\x00\x36\x00\x00\x00", "latin1")],
    ["PPM", async () => Buffer.from("P3 1 1 255 0 0 0\n")],
    ["text", async () => Buffer.from("title,author\nEmma,Jane Austen\n")],
    ["HTML", async () => Buffer.from("<!doctype html><img src=x onerror=alert(1)>")],
    ["a zip", async () => Buffer.from("PK\x03\x04\x14\x00\x00\x00", "latin1")],
    ["noise", async () => randomBytes(5000)],
  ])("a picture that is %s is refused", async (_, make) => {
    const { message, isTooLarge } = await refusal(await make());
    expect([message, isTooLarge]).toEqual([OTHER, false]);
  });

  test("HEIC, which shares its container with AVIF, is refused", async () => {
    // The very file, but said to be coded in HEVC.
    const avif = await picture("avif");
    const heic = Buffer.from(
      avif.toString("latin1").replaceAll("avif", "heic").replaceAll("av01", "hvc1"),
      "latin1",
    );
    expect(["is damaged or incomplete.", OTHER]).toContain((await refusal(heic)).message);
  });

  test.each(FORMATS)("a truncated %s picture is refused", async (format) => {
    const whole = await picture(format, 150, 100);
    for (const share of [0.3, 0.6, 0.95]) {
      const cut = whole.subarray(0, Math.floor(whole.length * share));
      expect([share, (await refusal(cut)).message]).toEqual([share, DAMAGED]);
    }
  });

  test.each(["gif", "webp"] as const)("a truncated animated %s is refused", async (format) => {
    const whole = await animation(format, 4);
    for (const share of [0.3, 0.6, 0.95]) {
      expect((await refusal(whole.subarray(0, Math.floor(whole.length * share)))).message).toBe(DAMAGED);
    }
  });

  test.each(FORMATS)("a %s picture with a valid start and random data is refused", async (format) => {
    const whole = await picture(format, 100, 100);
    const broken = Buffer.concat([whole.subarray(0, 24), randomBytes(2000)]);
    expect([DAMAGED, OTHER]).toContain((await refusal(broken)).message);
  });

  test("a picture of 900 million pixels in 110 kB is refused before decoding", async () => {
    const bytes = bomb();
    expect(bytes.length).toBeLessThan(200_000);
    const before = process.resourceUsage().maxRSS;
    const { message, isTooLarge } = await refusal(bytes);
    expect(message).toBe(
      "has 900000000 pixels (30000 x 30000); at most 50000000 are allowed (PICTURE_MAX_PIXELS).",
    );
    expect(isTooLarge).toBe(true);
    // In kB: the pixels alone would be 110 MB at a bit each.
    expect(process.resourceUsage().maxRSS - before).toBeLessThan(50_000);
  });

  test("an animation with too many pixels in all frames is refused", async () => {
    const bytes = await animation("gif", 5, 20);
    expect((await refusal(bytes, 1999)).message).toMatch(
      /^has 2000 pixels \(20 x 20 x 5 frames\); at most 1999/,
    );
    expect((await read(bytes, 2000)).extension).toBe("gif");
  });

  test("a picture with one pixel over the limit is refused", async () => {
    const bytes = await picture("png", 100, 10);
    expect((await refusal(bytes, 999)).isTooLarge).toBe(true);
    expect((await read(bytes, 1000)).extension).toBe("png");
  });
});

describe("isWholeGif", () => {
  test("isWholeGif checks the blocks and not the last byte", async () => {
    const gif = await animation("gif", 3);
    expect(await isWholeGif(gif)).toBe(true);
    expect(await isWholeGif(Buffer.concat([gif, Buffer.from("and more")]))).toBe(true);
    expect(await isWholeGif(Buffer.concat([gif.subarray(0, -100), Buffer.from([0x3b])]))).toBe(false);
    for (let length = 0; length < gif.length; length += 7)
      expect(await isWholeGif(gif.subarray(0, length))).toBe(false);
  });
});
