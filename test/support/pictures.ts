/** Pictures made for a test: noise, so that they have some size and no two are the same. */
import { crc32, deflateSync } from "node:zlib";
import sharp, { type Sharp } from "sharp";

export const FORMATS = ["jpeg", "png", "webp", "avif", "gif"] as const;
export type PictureFormat = (typeof FORMATS)[number];

export function noise(width: number, height: number): Sharp {
  return sharp({
    create: {
      width,
      height,
      channels: 3,
      background: "#808080",
      noise: { type: "gaussian", mean: 128, sigma: 30 },
    },
  });
}

export function picture(format: PictureFormat = "jpeg", width = 60, height = 40): Promise<Buffer> {
  return noise(width, height).toFormat(format).toBuffer();
}

export async function animation(format: "gif" | "webp", frames: number, side = 30): Promise<Buffer> {
  const pages = await Promise.all(Array.from({ length: frames }, () => noise(side, side).png().toBuffer()));
  return sharp(pages, { join: { animated: true } })
    .toFormat(format)
    .toBuffer();
}

/** As a phone writes it: lying on its side, the left half red, with the place where it was taken. */
export async function photo(): Promise<Buffer> {
  const red = await sharp({ create: { width: 40, height: 40, channels: 3, background: "#ff0000" } })
    .png()
    .toBuffer();
  return sharp({ create: { width: 80, height: 40, channels: 3, background: "#0000ff" } })
    .composite([{ input: red, left: 0, top: 0 }])
    .withExif({
      IFD0: { Make: "SecretCamera" },
      IFD3: { GPSLatitudeRef: "N", GPSLatitude: "51/1 30/1 0/1", GPSLongitudeRef: "W" },
    })
    .withMetadata({ orientation: 6 })
    .withXmp('<x:xmpmeta xmlns:x="adobe:ns:meta/"><secret>SecretPlace</secret></x:xmpmeta>')
    .jpeg()
    .toBuffer();
}

/** A PNG of 900 million pixels in 110 kB. */
export function bomb(side = 30_000): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header[8] = 1; // A bit a pixel.
  const pixels = deflateSync(Buffer.alloc(side * (1 + Math.ceil(side / 8))), { level: 9 });
  const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
  return Buffer.concat([
    signature,
    chunk("IHDR", header),
    chunk("IDAT", pixels),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const content = Buffer.concat([Buffer.from(type), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(content));
  return Buffer.concat([length, content, sum]);
}

export const SVG = Buffer.from(
  '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><script>alert(1)</script></svg>',
);

/** A red square in the middle of nothing. */
export async function stamp(side = 80): Promise<Buffer> {
  const red = { create: { width: side / 2, height: side / 2, channels: 3, background: "#ff0000" } } as const;
  return sharp({ create: { width: side, height: side, channels: 4, background: "#00000000" } })
    .composite([{ input: await sharp(red).png().toBuffer() }])
    .png()
    .toBuffer();
}

/** A range of colours without edges, which low qualities show in. */
export function gradient(side = 200): Promise<Buffer> {
  const pixels = Buffer.alloc(side * side * 3);
  for (let at = 0; at < side * side; at++) {
    const [x, y] = [at % side, Math.floor(at / side)];
    pixels.set([(255 * x) / side, (255 * y) / side, (255 * (x + y)) / (2 * side)], at * 3);
  }
  return sharp(pixels, { raw: { width: side, height: side, channels: 3 } })
    .png()
    .toBuffer();
}
