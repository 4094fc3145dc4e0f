/** The type `image`, parameter by parameter. */
import { crc32 } from "node:zlib";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import {
  animation,
  FORMATS,
  gradient,
  type PictureFormat,
  photo,
  picture,
  stamp,
} from "../../../support/pictures.ts";
import { runImage as run } from "../../../support/run-image.ts";
import { refusalOf, type Tried } from "../../../support/task-input.ts";

function firstOf({ made }: Tried): Buffer {
  if (!made[0]) throw new Error("nothing was stored");
  return made[0].bytes;
}

/** The pixel at a place, as [red, green, blue, alpha]. */
async function pixel(bytes: Buffer, left: number, top: number): Promise<number[]> {
  const raw = await sharp(bytes).ensureAlpha().extract({ left, top, width: 1, height: 1 }).raw().toBuffer();
  return [...raw];
}

describe("without parameters", () => {
  test.each(FORMATS)("without parameters a %s is encoded again in its format and size", async (format) => {
    const bytes = await picture(format, 120, 80);
    const done = await run(bytes, { name: "my photo.bin" });
    const extension = format === "jpeg" ? "jpg" : format;
    const [file] = done.made;
    expect(done.made.length).toBe(1);
    expect(file).toMatchObject({ name: `my photo.${extension}`, mediaType: `image/${format}` });
    expect(await sharp(firstOf(done)).metadata()).toMatchObject({
      mediaType: `image/${format}`,
      width: 120,
      height: 80,
    });
    expect(done.result).toMatchObject({
      format,
      width: 120,
      height: 80,
      original: { format, width: 120, height: 80, bytes: bytes.length, pages: 1 },
      bytes_before: bytes.length,
      bytes_after: file?.bytes.length,
      has_alpha: false,
      file: { id: "file-1", name: `my photo.${extension}`, media_type: `image/${format}` },
      thumbnails: [],
    });
    expect(done.result.message).toMatch(/^Re-encoded my photo\.bin, 120 x 80: [\d.]+ k?B(ytes)? became /i);
    expect(done.result.dominant_colour).toMatch(/^#[0-9a-f]{6}$/);
  });

  test("an image task reports its progress step by step", async () => {
    const { steps } = await run(await picture("jpeg"), { params: { thumbnails: [16, 32] } });
    expect(steps.map(({ message }) => message)).toEqual([
      "Reading photo.jpg",
      "Converting 60 x 40 pixels to JPEG",
      "Detecting colours",
      "Storing the picture",
      "Created the thumbnail of 16 pixels",
      "Created the thumbnail of 32 pixels",
    ]);
    const percents = steps.map(({ percent }) => percent);
    expect(percents).toEqual(percents.toSorted((a, b) => a - b));
    expect(percents.at(-1)).toBe(100);
  });
});

describe("resize", () => {
  // From 400 x 200.
  test.each([
    [
      [100, 100],
      [100, 50],
    ],
    [
      [800, 800],
      [400, 200],
    ],
    [{ width: 100 }, [100, 50]],
    [{ height: 100 }, [200, 100]],
    [{ width: 100, height: 100, fit: "inside" }, [100, 50]],
    [{ width: 100, height: 100, fit: "cover" }, [100, 100]],
    [{ width: 100, height: 100, fit: "contain" }, [100, 100]],
    [{ width: 100, height: 100, fit: "fill" }, [100, 100]],
    [{ width: 100, fit: "fill" }, [100, 200]],
    [{ width: 100, fit: "cover" }, [100, 50]],
    [{ width: 800, height: 800 }, [400, 200]],
    [{ width: 800, height: 800, fit: "cover" }, [400, 200]],
    [{ width: 800, height: 800, fit: "contain" }, [800, 800]],
    [{ width: 800, height: 800, enlarge: true }, [800, 400]],
    [{ width: 800, height: 800, fit: "cover", enlarge: true }, [800, 800]],
    [{ width: 800, height: 100, fit: "fill", enlarge: true }, [800, 100]],
  ] as const)("%j makes %j", async (resize, [width, height]) => {
    const wanted = "map" in resize ? [...resize] : resize;
    const done = await run(await picture("png", 400, 200), { params: { resize: wanted } });
    expect(await sharp(firstOf(done)).metadata()).toMatchObject({ width, height });
    expect(done.result).toMatchObject({ width, height, original: { width: 400, height: 200 } });
  });

  test("a resize describes itself in the message", async () => {
    const { result } = await run(await picture("jpeg", 400, 200), { params: { resize: [100, 100] } });
    expect(result.message).toMatch(
      /^Resized photo\.jpg from 400 x 200 to 100 x 50: [\d.]+ kB became \S+ (kB|bytes)$/,
    );
    const other = await run(await picture("png", 400, 200), {
      params: { resize: [100, 100], format: "webp" },
    });
    expect(other.result.message).toMatch(
      /^Resized photo\.jpg from 400 x 200 to 100 x 50 and converted it from PNG to WebP: /,
    );
  });

  test("resize cover crops to the middle, and contain fills with the background", async () => {
    const bytes = await stamp();
    const cover = firstOf(await run(bytes, { params: { resize: { width: 80, height: 20, fit: "cover" } } }));
    expect(await pixel(cover, 40, 10)).toEqual([255, 0, 0, 255]);
    const resize = { width: 160, height: 80, fit: "contain" } as const;
    const green = firstOf(await run(bytes, { params: { resize, background: "#00ff00" } }));
    expect(await pixel(green, 2, 40)).toEqual([0, 255, 0, 255]);
    const clear = firstOf(await run(bytes, { params: { resize } }));
    expect((await pixel(clear, 2, 20))[3]).toBe(0);
    const half = firstOf(await run(bytes, { params: { resize, background: "#0000ff80" } }));
    expect(await pixel(half, 2, 40)).toEqual([0, 0, 255, 128]);
    const white = firstOf(
      await run(bytes, { params: { resize, format: "jpeg", background: "transparent" } }),
    );
    expect((await pixel(white, 2, 20)).every((channel) => channel > 250)).toBe(true);
  });

  test("resizing an animation keeps its frames", async () => {
    for (const fit of ["inside", "cover", "contain", "fill"] as const) {
      const done = await run(await animation("gif", 4, 30), {
        params: { resize: { width: 20, height: 10, fit } },
      });
      const { pages, width, height } = await sharp(firstOf(done)).metadata();
      expect([fit, pages, width, height]).toEqual([fit, 4, fit === "inside" ? 10 : 20, 10]);
    }
  });
});

describe("format", () => {
  const pairs = FORMATS.flatMap((from) =>
    FORMATS.filter((to) => to !== from).map((to) => [from, to] as const),
  );

  test.each(pairs)("an image is converted from %s to %s", async (from, to) => {
    const done = await run(await picture(from, 50, 30), { params: { format: to }, name: "a.b" });
    expect(await sharp(firstOf(done)).metadata()).toMatchObject({
      mediaType: `image/${to}`,
      width: 50,
      height: 30,
    });
    expect(done.result).toMatchObject({ format: to, original: { format: from } });
    expect(done.result.message).toMatch(/^Converted a\.b from \w+ to \w+, 50 x 30: /);
  });

  test("animated GIF and WebP convert into each other and keep their delays", async () => {
    for (const [from, to] of [
      ["gif", "webp"],
      ["webp", "gif"],
    ] as const) {
      const done = await run(await animation(from, 6), { params: { format: to } });
      expect(await sharp(firstOf(done)).metadata()).toMatchObject({ format: to, pages: 6, width: 30 });
      expect(done.result).toMatchObject({ format: to, width: 30, height: 30, original: { pages: 6 } });
    }
  });

  test.each(["jpeg", "png", "avif"] as const)(
    "an animated GIF becomes a %s of its first frame",
    async (to) => {
      const done = await run(await animation("gif", 6), { params: { format: to } });
      expect(await sharp(firstOf(done)).metadata()).toMatchObject({
        mediaType: `image/${to}`,
        width: 30,
        height: 30,
      });
      expect(done.result).toMatchObject({ original: { pages: 6 }, height: 30 });
      expect(done.result.message).toMatch(/\. Only the first of its 6 frames was kept$/);
    },
  );

  test("an animated PNG counts its frames, of which the first is kept", async () => {
    const plain = await picture("png", 20, 10);
    const control = Buffer.alloc(20);
    control.writeUInt32BE(8, 0);
    control.write("acTL", 4, "latin1");
    control.writeUInt32BE(5, 8);
    control.writeUInt32BE(crc32(control.subarray(4, 16)), 16);
    const headerEnd = 8 + 25;
    const animated = Buffer.concat([plain.subarray(0, headerEnd), control, plain.subarray(headerEnd)]);
    const done = await run(animated, { params: { format: "webp" } });
    expect(done.result).toMatchObject({ original: { format: "png", pages: 5 } });
    expect(done.result.message).toMatch(/\. Only the first of its 5 frames was kept$/);
    expect((await run(plain)).result.message).not.toContain("frame");
  });

  test("transparency is kept, or becomes the background in a JPEG", async () => {
    for (const format of ["png", "webp", "avif", "gif"] as const) {
      const done = await run(await stamp(), { params: { format } });
      expect([format, done.result.has_alpha, (await pixel(firstOf(done), 0, 0))[3]]).toEqual([
        format,
        true,
        0,
      ]);
    }
    const white = await run(await stamp(), { params: { format: "jpeg" } });
    expect(white.result.has_alpha).toBe(false);
    expect((await pixel(firstOf(white), 1, 1)).slice(0, 3).every((channel) => channel > 250)).toBe(true);
    const blue = await run(await stamp(), { params: { format: "jpeg", background: "#0000ff80" } });
    const [red = 0, , blueness = 0] = await pixel(firstOf(blue), 1, 1);
    expect([red < 10, blueness > 245]).toEqual([true, true]);
  });
});

describe("quality", () => {
  test.each(FORMATS)("lower quality makes a %s smaller", async (format) => {
    const bytes = await gradient();
    const size = async (quality: number | "low" | "medium" | "high") =>
      firstOf(await run(bytes, { params: { format, quality } })).length;
    const [least, low, medium, high] = [
      await size(1),
      await size("low"),
      await size("medium"),
      await size("high"),
    ];
    expect(least).toBeLessThan(low);
    expect(low).toBeLessThan(medium);
    expect(medium).toBeLessThan(high);
  });

  test("the default quality is high, which is lossless for PNG", async () => {
    const bytes = await picture("png", 50, 50);
    const [high, none] = [await run(bytes, { params: { quality: "high" } }), await run(bytes)];
    expect(firstOf(high)).toEqual(firstOf(none));
    expect(await sharp(firstOf(high)).raw().toBuffer()).toEqual(await sharp(bytes).raw().toBuffer());
  });
});

describe("metadata", () => {
  const readable = (bytes: Buffer) => bytes.toString("latin1");

  test.each(FORMATS)(
    "metadata is removed from a %s, and the image is upright",
    async (format: PictureFormat) => {
      const bytes = await photo();
      const done = await run(bytes, { params: { format, thumbnails: [16] } });
      expect(done.result).toMatchObject({ width: 40, height: 80, original: { width: 40, height: 80 } });
      for (const { bytes } of done.made) {
        const { exif, xmp, icc, orientation } = await sharp(bytes).metadata();
        expect([exif, xmp, icc, orientation]).toEqual([undefined, undefined, undefined, undefined]);
        expect(readable(bytes)).not.toMatch(/Secret|Exif|GPS/);
      }
      // Turned clockwise, the red left half is on top.
      const [red = 0, , blue = 0] = await pixel(firstOf(done), 20, 10);
      expect([red > 200, blue < 60]).toEqual([true, true]);
    },
  );

  test.each(["jpeg", "png", "webp", "avif"] as const)(
    "is kept in a %s where asked for, but for the orientation",
    async (format) => {
      const bytes = await sharp(await photo())
        .keepExif()
        .withIccProfile("p3")
        .jpeg()
        .toBuffer();
      expect(readable(bytes)).toContain("SecretCamera");
      const done = await run(bytes, { params: { format, strip_metadata: false, thumbnails: [16] } });
      const { exif, icc, orientation, width, height } = await sharp(firstOf(done)).metadata();
      expect(exif && readable(exif)).toContain("SecretCamera");
      expect(icc?.length).toBeGreaterThan(100);
      expect([orientation ?? 1, width, height]).toEqual([1, 40, 80]);
      // Thumbnails are to be shown.
      expect(readable(done.made[1]?.bytes ?? Buffer.alloc(0))).not.toMatch(/Secret|Exif/);
    },
  );
});

describe("thumbnails", () => {
  test("thumbnails are WebPs of the result and never larger than it", async () => {
    const params = {
      resize: { width: 300, height: 300, fit: "cover" },
      thumbnails: [64, 200, 1024],
    } as const;
    const done = await run(await picture("jpeg", 600, 400), {
      params: { ...params, thumbnails: [...params.thumbnails] },
      name: "C:\\pictures\\cat.jpeg",
    });
    expect(done.made.map(({ name }) => name)).toEqual([
      "cat.jpg",
      "cat-64.webp",
      "cat-200.webp",
      "cat-1024.webp",
    ]);
    expect(done.result.thumbnails).toMatchObject([
      { size: 64, width: 64, height: 64, file: { id: "file-2", media_type: "image/webp" } },
      { size: 200, width: 200, height: 200, file: { id: "file-3" } },
      { size: 1024, width: 300, height: 300, file: { id: "file-4" } },
    ]);
    const sides = await Promise.all(
      done.made.slice(1).map(async ({ bytes }) => (await sharp(bytes).metadata()).width),
    );
    expect(sides).toEqual([64, 200, 300]);
  });

  test("the thumbnail of an animation shows its first frame", async () => {
    const done = await run(await animation("gif", 3), { params: { thumbnails: [16] } });
    expect((await sharp(done.made[1]?.bytes).metadata()).pages ?? 1).toBe(1);
  });
});

test("the dominant colour is the most frequent one", async () => {
  const bytes = await sharp({ create: { width: 50, height: 50, channels: 3, background: "#2848c8" } })
    .png()
    .toBuffer();
  expect((await run(bytes)).result.dominant_colour).toBe("#2848c8");
  const grey = await sharp(bytes).greyscale().png().toBuffer();
  expect((await run(grey)).result.dominant_colour).toMatch(/^#(..)\1\1$/);
});

describe("too much asked for", () => {
  test("a resize beyond the pixel limit is refused before decoding", async () => {
    const small = await picture("png", 100, 10);
    const wide = { width: 16_000, height: 16_000, enlarge: true };
    for (const fit of ["cover", "contain", "fill"] as const) {
      const failure = await refusalOf(run(small, { params: { resize: { ...wide, fit } } }));
      expect([failure.code, failure.message]).toEqual([
        "invalid_params",
        expect.stringMatching(/^resize: needs \d+ x 16000 pixels\. The limit for PNG is 50000000 /),
      ]);
    }
    const strip = { width: 16_000, height: 100, fit: "cover", enlarge: true } as const;
    const tall = await refusalOf(run(await picture("png", 1, 1000), { params: { resize: strip } }));
    expect(tall.message).toMatch(/^resize: needs 16000 x 16000000 pixels/);
  });

  test("the pixel limit of a resize counts all frames", async () => {
    const params = { resize: { width: 100, enlarge: true } };
    const bytes = await animation("gif", 5);
    const { message } = await refusalOf(run(bytes, { params, maxPixels: 49_999 }));
    expect(message).toMatch(/^resize: needs 100 x 100 x 5 frames pixels\. The limit for GIF is 49999 /);
    expect((await run(bytes, { params, maxPixels: 50_000 })).result.width).toBe(100);
  });

  test("the pixel limit is lower for AVIF", async () => {
    const bytes = await picture("png", 100, 100);
    const params = { format: "avif" } as const;
    const { code, message } = await refusalOf(run(bytes, { params, maxPixels: 39_999 }));
    expect(code).toBe("invalid_params");
    expect(message).toMatch(/^resize: needs 100 x 100 pixels\. The limit for AVIF is 9999 /);
    const allowed = await run(bytes, { params, maxPixels: 40_000 });
    const again = await refusalOf(run(allowed.made[0]?.bytes ?? bytes, { maxPixels: 39_999 }));
    expect(again.code).toBe("too_many_pixels");
    expect(again.message).toMatch(/^photo.jpg has 10000 pixels .* The limit for an AVIF, .* is 9999 /);
  });

  test("a WebP beyond the limits of WebP is refused", async () => {
    const bytes = await picture("png", 17_000, 10);
    const { code, message } = await refusalOf(run(bytes, { params: { format: "webp" } }));
    expect([code, message]).toEqual([
      "invalid_params",
      "format: the picture has 17000 x 10 pixels. The limit for WebP is 16383 per side. Use `resize` or another format.",
    ]);
    for (const format of ["jpeg", "png", "gif"] as const)
      expect((await run(bytes, { params: { format } })).result.width).toBe(17_000);
  });
});
