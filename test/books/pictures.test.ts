/** The pictures of books over HTTP: how they get in, where they are, and that they are gone when they should be. */
import { request } from "node:http";
import type { AddressInfo } from "node:net";
import sharp from "sharp";
import type { Static } from "typebox";
import { describe, expect, test } from "vitest";
import type { BookView } from "../../src/books/views.ts";
import type { Problem } from "../support/client.ts";
import { animation, bomb, FORMATS, noise, photo, picture, SVG } from "../support/pictures.ts";
import { startRowmill } from "../support/rowmill.ts";
import { useRowmill, useUser } from "../support/use-rowmill.ts";

type Book = Static<typeof BookView>;

const PATH = "/api/v1/books";
const TEXTS = { title: "Emma", author: "Jane Austen" };

const rowmill = useRowmill();
const owner = useUser(rowmill);
const stranger = useUser(rowmill);

async function withPicture(bytes: Buffer, filename?: string): Promise<Book> {
  const { status, body } = await owner.form<Book>("POST", PATH, { ...TEXTS, picture: bytes }, filename);
  expect(status).toBe(201);
  return body;
}

async function countFiles(server = rowmill): Promise<{ files: number; chunks: number }> {
  const { rows } = await server.ctx.pool.query<{ files: string; chunks: string }>(
    "SELECT (SELECT count(*) FROM rowmill.files) AS files, (SELECT count(*) FROM rowmill.file_chunks) AS chunks",
  );
  return { files: Number(rows[0]?.files), chunks: Number(rows[0]?.chunks) };
}

describe("a picture", () => {
  test.each(FORMATS)("a %s picture is shown with its book and served with a thumbnail", async (format) => {
    const book = await withPicture(await picture(format));
    const extension = format === "jpeg" ? "jpg" : format;
    expect(book.picture).toMatch(
      new RegExp(`^/media/books/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\\.${extension}$`),
    );
    expect(book.picture_url).toBe(`${rowmill.config.publicUrl}${book.picture}`);
    expect((await owner.get(`${PATH}/${book.id}`)).body).toEqual(book);

    const { status, headers, body } = await rowmill.client.download(String(book.picture));
    expect(status).toBe(200);
    expect(headers.get("content-type")).toBe(`image/${format}`);
    expect(headers.get("content-length")).toBe(String(body.length));
    expect(await sharp(body).metadata()).toMatchObject({
      mediaType: `image/${format}`,
      width: 60,
      height: 40,
    });

    const thumbnail = await rowmill.client.download(String(book.thumbnail_url));
    expect(thumbnail.headers.get("content-type")).toBe("image/webp");
    expect(await sharp(thumbnail.body).metadata()).toMatchObject({ format: "webp", width: 60, height: 40 });
  });

  test("a picture is recognized by its content", async () => {
    const png = await withPicture(await picture("png"), "holiday.jpg");
    expect(png.picture).toMatch(/\.png$/);
    const form = new FormData();
    form.set("picture", new Blob([new Uint8Array(await picture("gif"))], { type: "text/html" }), "x.html");
    for (const [name, text] of Object.entries(TEXTS)) form.set(name, text);
    const { status, body } = await owner.send<Book>("POST", PATH, { body: form });
    expect([status, body.picture]).toEqual([201, expect.stringMatching(/\.gif$/)]);
  });

  test("a picture may come before the other form fields", async () => {
    const fields = { picture: await picture(), ...TEXTS, description: "after it" };
    const { status, body } = await owner.form<Book>("POST", PATH, fields);
    expect([status, body.description]).toEqual([201, "after it"]);
    expect(body.picture).not.toBeNull();
  });

  test("a picture is served upright and without metadata", async () => {
    const book = await withPicture(await photo());
    for (const url of [book.picture_url, book.thumbnail_url]) {
      const { body } = await rowmill.client.download(String(url));
      expect(body.toString("latin1")).not.toMatch(/Secret|Exif|GPS/);
      const { width, height, exif, xmp } = await sharp(body).metadata();
      expect([width, height, exif, xmp]).toEqual([40, 80, undefined, undefined]);
    }
  });

  test("a picture of several mebibytes comes back whole", async () => {
    const before = await countFiles();
    const large = await noise(1300, 1100).png({ compressionLevel: 0 }).toBuffer();
    expect(large.length).toBeGreaterThan(4 * 2 ** 20);
    const book = await withPicture(large);
    const { chunks } = await countFiles();
    expect(chunks - before.chunks).toBeGreaterThan(3);
    const { body } = await rowmill.client.download(String(book.picture));
    const pixels = (bytes: Buffer) => sharp(bytes).raw().toBuffer();
    expect((await pixels(body)).equals(await pixels(large))).toBe(true);
  });

  test("an empty file field of a browser means no picture", async () => {
    const form = new FormData();
    for (const [name, text] of Object.entries(TEXTS)) form.set(name, text);
    form.set("picture", new Blob([]), "");
    const made = await owner.send<Book>("POST", PATH, { body: form });
    expect([made.status, made.body.picture]).toEqual([201, null]);
  });
});

describe("replacing and removing", () => {
  test("replacing a picture removes the old bytes", async () => {
    const book = await withPicture(await picture("jpeg"));
    const before = await countFiles();
    const { status, body } = await owner.form<Book>("PATCH", `${PATH}/${book.id}`, {
      picture: await picture("webp"),
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({ title: book.title, author: book.author });
    expect(body.picture).toMatch(/\.webp$/);
    expect(await countFiles()).toEqual(before);
    expect((await rowmill.client.download(String(book.picture))).status).toBe(404);
    expect((await rowmill.client.download(String(book.thumbnail_url))).status).toBe(404);
    expect((await rowmill.client.download(String(body.picture))).status).toBe(200);
  });

  test("updating the text of a book keeps its picture", async () => {
    const book = await withPicture(await picture());
    const changed = await owner.patch<Book>(`${PATH}/${book.id}`, { title: "Other" });
    expect(changed.body).toEqual({ ...book, title: "Other" });
    const form = await owner.form<Book>("PATCH", `${PATH}/${book.id}`, { title: "Another" });
    expect(form.body).toEqual({ ...book, title: "Another" });
    expect((await rowmill.client.download(String(book.picture))).status).toBe(200);
  });

  test.each([
    ["null in JSON", (id: number) => owner.patch<Book>(`${PATH}/${id}`, { picture: null })],
    ["an empty text in a form", (id: number) => owner.form<Book>("PATCH", `${PATH}/${id}`, { picture: "" })],
  ])("%s removes the picture of a book", async (_, remove) => {
    const before = await countFiles();
    const book = await withPicture(await picture());
    const { status, body } = await remove(book.id);
    expect(status).toBe(200);
    expect(body).toMatchObject({ title: book.title, picture: null, picture_url: null, thumbnail_url: null });
    expect(await countFiles()).toEqual(before);
    expect((await rowmill.client.download(String(book.picture))).status).toBe(404);
  });

  test("deleting a book removes its picture", async () => {
    const before = await countFiles();
    const book = await withPicture(await picture());
    expect(await countFiles()).toEqual({ files: before.files + 2, chunks: before.chunks + 2 });
    expect((await owner.delete(`${PATH}/${book.id}`)).status).toBe(204);
    expect(await countFiles()).toEqual(before);
    expect((await rowmill.client.download(String(book.picture))).status).toBe(404);
  });

  test("replacing a picture concurrently leaves the bytes of one", async () => {
    const book = await withPicture(await picture());
    const before = await countFiles();
    const answers = await Promise.all(
      FORMATS.map(async (format) =>
        owner.form<Book>("PATCH", `${PATH}/${book.id}`, { picture: await picture(format) }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(FORMATS.map(() => 200));
    expect(await countFiles()).toEqual(before);
    const { body } = await owner.get<Book>(`${PATH}/${book.id}`);
    expect((await rowmill.client.download(String(body.picture))).status).toBe(200);
  });

  test("replacing the picture of another user's book answers 404", async () => {
    const book = await withPicture(await picture());
    const fields = { picture: await picture("png") };
    const theirs = await stranger.form<Problem>("PATCH", `${PATH}/${book.id}`, fields);
    const missing = await stranger.form<Problem>("PATCH", `${PATH}/9007199254740991`, fields);
    expect(theirs.status).toBe(404);
    expect(theirs.body).toEqual(missing.body);
    expect((await stranger.patch(`${PATH}/${book.id}`, { picture: null })).status).toBe(404);
    expect((await rowmill.client.download(String(book.picture))).status).toBe(200);
  });
});

describe("a picture that is refused", () => {
  test.each<[string, () => Promise<Buffer>, number, RegExp]>([
    ["without a byte", async () => Buffer.alloc(0), 400, /is empty/],
    ["of text", async () => Buffer.from("no picture"), 400, /is not a JPEG, PNG, WebP, AVIF or GIF/],
    ["that is SVG", async () => SVG, 400, /is not a JPEG/],
    ["that is TIFF", () => noise(9, 9).tiff().toBuffer(), 400, /is not a JPEG/],
    [
      "that is cut off",
      async () => (await picture("jpeg", 300, 300)).subarray(0, 9000),
      400,
      /is damaged or incomplete/,
    ],
    [
      "of an animation cut off",
      async () => (await animation("gif", 3)).subarray(0, -500),
      400,
      /is damaged or incomplete/,
    ],
    [
      "of 900 million pixels",
      async () => bomb(),
      413,
      /has 900000000 pixels .* 50000000 .*PICTURE_MAX_PIXELS/,
    ],
    [
      "of too many bytes",
      async () => Buffer.alloc(10 * 2 ** 20 + 1),
      413,
      /10485760 bytes \(PICTURE_MAX_BYTES\)/,
    ],
    ["of far too many bytes", async () => Buffer.alloc(40 * 2 ** 20), 413, /PICTURE_MAX_BYTES/],
  ])("a picture %s is refused and nothing is stored", async (_, make, status, reason) => {
    const bytes = await make();
    const [before, count] = [
      await countFiles(),
      (await owner.get<{ items: Book[] }>(`${PATH}?limit=1000`)).body,
    ];
    const answer = await owner.form<Problem>("POST", PATH, { ...TEXTS, picture: bytes });
    expect(answer.status).toBe(status);
    expect(Object.keys(answer.body.field_errors)).toEqual(["picture"]);
    expect(answer.body.field_errors.picture?.join()).toMatch(reason);
    expect(answer.body.detail).toMatch(/^picture: /);
    expect(await countFiles()).toEqual(before);
    expect((await owner.get(`${PATH}?limit=1000`)).body).toEqual(count);
  });

  test("a refused picture leaves the book and its picture unchanged", async () => {
    const book = await withPicture(await picture());
    const answer = await owner.form("PATCH", `${PATH}/${book.id}`, { title: "New", picture: SVG });
    expect(answer.status).toBe(400);
    expect((await owner.get(`${PATH}/${book.id}`)).body).toEqual(book);
    expect((await rowmill.client.download(String(book.picture))).status).toBe(200);
  });

  test("a picture with a refused book is not stored", async () => {
    const before = await countFiles();
    const { status, body } = await owner.form<Problem>("POST", PATH, { title: "", picture: await picture() });
    expect(status).toBe(400);
    expect(Object.keys(body.field_errors)).toEqual(["title", "author"]);
    expect(await countFiles()).toEqual(before);
  });

  test("a picture under another field name, sent twice, or as text is refused", async () => {
    const bytes = await picture();
    const other = await owner.form<Problem>("POST", PATH, { ...TEXTS, cover: bytes });
    expect([other.status, Object.keys(other.body.field_errors)]).toEqual([400, ["cover"]]);

    const form = new FormData();
    form.append("picture", new Blob([new Uint8Array(bytes)]), "a.jpg");
    form.append("picture", new Blob([new Uint8Array(bytes)]), "b.jpg");
    const twice = await owner.send<Problem>("POST", PATH, { body: form });
    expect([twice.status, twice.body.field_errors]).toEqual([
      400,
      { picture: ["was sent more than once. Send one file."] },
    ]);

    const text = await owner.form<Problem>("POST", PATH, { ...TEXTS, picture: "/tmp/x.jpg" });
    expect([text.status, Object.keys(text.body.field_errors)]).toEqual([400, ["picture"]]);
  });

  test("a picture in a form with too many fields, or in no form, is refused", async () => {
    const long = await owner.form<Problem>("POST", PATH, { ...TEXTS, description: "x".repeat(300_000) });
    expect([long.status, Object.keys(long.body.field_errors)]).toEqual([400, ["description"]]);
    const many = Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`field${n}`, "x"]));
    expect((await owner.form("POST", PATH, many)).status).toBe(413);
    const headers = { "content-type": "multipart/form-data; boundary=x" };
    expect((await owner.send("POST", PATH, { body: "no form", headers })).status).toBe(400);
    expect(
      (await owner.send("POST", PATH, { headers: { "content-type": "multipart/form-data" } })).status,
    ).toBe(400);
  });

  test("the limits of pictures can be configured", async () => {
    await using small = await startRowmill({ PICTURE_MAX_BYTES: "3000", PICTURE_MAX_PIXELS: "1000" });
    const user = await small.newUser();
    const send = async (width: number, height: number) => {
      const bytes = await noise(width, height).png({ compressionLevel: 0 }).toBuffer();
      return user.form<Problem>("POST", PATH, { ...TEXTS, picture: bytes });
    };
    expect((await send(25, 30)).status).toBe(201);
    const bytes = await send(40, 40);
    expect([bytes.status, bytes.body.detail]).toEqual([
      413,
      "picture: is larger than 3000 bytes (PICTURE_MAX_BYTES).",
    ]);
    const flat = await sharp({ create: { width: 40, height: 40, channels: 3, background: "#fff" } })
      .png()
      .toBuffer();
    const pixels = await user.form<Problem>("POST", PATH, { ...TEXTS, picture: flat });
    expect([pixels.status, pixels.body.detail]).toEqual([
      413,
      "picture: has 1600 pixels (40 x 40); at most 1000 are allowed (PICTURE_MAX_PIXELS).",
    ]);
  });

  test("many pictures at a time do not block the API", async () => {
    const hostile = bomb();
    const sent = Promise.all(
      Array.from({ length: 20 }, () => owner.form<Problem>("POST", PATH, { ...TEXTS, picture: hostile })),
    );
    expect((await stranger.get(PATH)).status).toBe(200);
    expect((await sent).map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 413));
  });
});

describe("the media of books", () => {
  test("pictures need no login, are cached for a day and have a fixed type", async () => {
    const book = await withPicture(await picture());
    const { headers } = await rowmill.client.download(String(book.picture));
    expect(headers.get("cache-control")).toBe("public, max-age=86400, immutable");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("content-security-policy")).toBe(
      "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; sandbox",
    );
    expect(headers.get("cross-origin-resource-policy")).toBe("cross-origin");
    expect(Date.parse(String(headers.get("last-modified")))).not.toBeNaN();
  });

  test("pictures answer 304 if the ETag matches", async () => {
    const book = await withPicture(await picture());
    const get = (tag: string) => rowmill.client.download(String(book.picture), { "if-none-match": tag });
    const etag = String((await rowmill.client.download(String(book.picture))).headers.get("etag"));
    expect(etag).toMatch(/^"[\w-]{20,}"$/);
    for (const tag of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
      const { status, headers, body } = await get(tag);
      expect([tag, status, body.length]).toEqual([tag, 304, 0]);
      expect(headers.get("etag")).toBe(etag);
      expect(headers.get("cache-control")).toContain("max-age");
    }
    for (const tag of ['"other"', etag.slice(1, -1)])
      expect([tag, (await get(tag)).status]).toEqual([tag, 200]);
    const other = await withPicture(await picture());
    expect((await rowmill.client.download(String(other.picture))).headers.get("etag")).not.toBe(etag);
  });

  test("HEAD of a picture has the headers of GET", async () => {
    const book = await withPicture(await picture());
    const get = await rowmill.client.download(String(book.picture));
    const head = await fetch(rowmill.url + book.picture, { method: "HEAD" });
    expect(head.status).toBe(200);
    for (const name of ["content-length", "content-type", "etag"])
      expect([name, head.headers.get(name)]).toEqual([name, get.headers.get(name)]);
    expect(await head.text()).toBe("");
  });

  test("pictures answer 404 under any other name", async () => {
    const { picture: path } = await withPicture(await picture("png"));
    const name = String(path).slice("/media/books/".length);
    const wrong = [
      name.replace(".png", ".jpg"),
      name.replace(".png", ".html"),
      name.replace(".png", ""),
      name.toUpperCase(),
      `${name}x`,
      `x${name}`,
      "00000000-0000-4000-8000-000000000000.png",
      "gatsby.jpg",
      "..%2F..%2Fpackage.json",
      "%00",
      "%2e%2e",
    ];
    for (const other of wrong) {
      const { status } = await rowmill.client.get(`/media/books/${other}`);
      expect([other, status]).toEqual([other, 404]);
    }
    for (const folder of ["/media/", "/media/books/", `/media/${name}`])
      expect([folder, (await rowmill.client.get(folder)).status]).toEqual([folder, 404]);
  });

  test("a picture deleted while it is sent ends the answer early", async () => {
    const large = await noise(2000, 1600).png({ compressionLevel: 0 }).toBuffer();
    const book = await withPicture(large);
    const { port } = rowmill.app.server.address() as AddressInfo;
    const outcome = await new Promise<string>((resolve, reject) => {
      const get = request({ port, host: "127.0.0.1", path: String(book.picture) }, (response) => {
        response.pause();
        owner.delete(`${PATH}/${book.id}`).then(() => {
          response.resume();
          response.on("end", () => resolve(response.complete ? "whole" : "cut"));
          response.on("error", () => resolve("cut"));
        }, reject);
      });
      get.on("error", reject);
      get.end();
    });
    expect(outcome).toBe("cut");
    expect((await rowmill.client.get("/livez")).status).toBe(200);
  });
});
