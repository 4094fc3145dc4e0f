import { randomBytes } from "node:crypto";
import {
  BufferSource,
  EncodedPacketSink,
  Input,
  type InputTrack,
  MATROSKA,
  MP4,
  QTFF,
  WEBM,
} from "mediabunny";
import { describe, expect, test } from "vitest";
import { videoType } from "../../../src/tasks/types/video/video.ts";
import { timed } from "../../support/stopwatch.ts";
import { fileOf, refusalOf, tryType } from "../../support/task-input.ts";
import { FRAME_RATE, makeVideo, type VideoOptions } from "../../support/videos.ts";

type Params = Parameters<typeof videoType.run>[1]["params"];

const look = (bytes: Buffer, name: string, params: Partial<Params> = {}) =>
  tryType(videoType, fileOf(bytes, name), { action: "inspect", ...params });

const refusal = (bytes: Buffer, name: string, params: Partial<Params> = {}) =>
  refusalOf(look(bytes, name, params));

/** Numbers of the packets in a file, as they were made, and when they are shown. */
async function packetsOf(bytes: Buffer, type: "video" | "audio") {
  using input = new Input({ formats: [MP4, QTFF, WEBM, MATROSKA], source: new BufferSource(bytes) });
  const [track] = await input.getTracks({ filter: (track: InputTrack) => track.type === type });
  if (!track) throw new Error(`no ${type} track`);
  const numbers: number[] = [];
  const times: number[] = [];
  for await (const packet of new EncodedPacketSink(track).packets()) {
    numbers.push(new DataView(packet.data.buffer, packet.data.byteOffset).getUint32(5));
    times.push(Math.round(packet.timestamp * 1000) / 1000);
  }
  return { numbers, times };
}

const upTo = (end: number, start = 0) => Array.from({ length: end - start }, (_, index) => start + index);

describe("a video", () => {
  test("inspecting a video returns its container, codecs, size and tags", async () => {
    const video = await makeVideo({
      container: "mp4",
      video: "avc",
      audio: "aac",
      rotation: 90,
      tags: { title: "A trip", date: new Date("2020-01-01") },
    });
    const { result, made } = await look(video, "trip.bin");
    expect(result).toMatchObject({
      message: '"trip.bin" is 4 s of avc in mp4, 240 x 320 at 25 frames per second, audio in aac',
      container: "mp4",
      mime_type: 'video/mp4; codecs="avc1.42001e, mp4a.40.2"',
      duration_seconds: 4,
      bytes: video.length,
      bit_rate: Math.round((8 * video.length) / 4),
      video: {
        codec: "avc",
        width: 240,
        height: 320,
        coded_width: 320,
        rotation: 90,
        frame_rate: 25,
        frame_rate_is_constant: true,
        bit_rate: 20_000,
      },
      audio: { codec: "aac", channels: 2, sample_rate: 48_000, bit_rate: 16_000 },
      tracks: [
        { number: 1, type: "video", codec: "avc" },
        { number: 2, type: "audio", codec: "aac", language: "deu" },
      ],
      metadata: { title: "A trip", date: "2020-01-01T00:00:00.000Z" },
      output: null,
      file: null,
    });
    expect(made).toEqual([]);
  });

  test.each<[VideoOptions["container"], string]>([
    ["fragmented mp4", "mp4"],
    ["mov", "mov"],
    ["webm", "webm"],
    ["mkv", "mkv"],
    ["live mkv", "mkv"],
  ])("a video in %s is recognised whatever its name", async (container, found) => {
    const { result } = await look(await makeVideo({ container, audio: null }), "video.mp4");
    expect(result).toMatchObject({ container: found, audio: null });
    expect(result.duration_seconds).toBeCloseTo(4, 1);
    expect(result.message).toContain("no audio");
  });

  test("only the needed parts of a large video are read", async () => {
    const video = await makeVideo({ container: "mp4", seconds: 8, packetBytes: 500_000 });
    const file = fileOf(video, "large.mp4");
    await tryType(videoType, file, { action: "inspect" });
    const read = file.reads.reduce((sum, [start, end]) => sum + end - start, 0);
    expect(video.length).toBeGreaterThan(100e6);
    expect(read).toBeLessThan(30e6);
  });
});

describe("remux", () => {
  test.each<[VideoOptions, "mp4" | "mov" | "webm" | "mkv"]>([
    [{ container: "mp4", video: "avc", audio: "aac" }, "mkv"],
    [{ container: "mkv", video: "avc", audio: "aac" }, "mp4"],
    [{ container: "mp4", video: "avc", audio: "aac" }, "mov"],
    [{ container: "live mkv" }, "webm"],
    [{ container: "webm" }, "mp4"],
  ])("remuxing copies every packet unchanged: %o to %s", async (options, container) => {
    const video = await makeVideo({
      ...options,
      rotation: container === "webm" ? 0 : 90,
      tags: { title: "Kept" },
    });
    const { result, made, steps } = await look(video, "my.video.bin", { action: "remux", container });
    const [file] = made;
    expect(file?.name).toBe(`my.video.${container}`);
    expect(result).toMatchObject({
      output: {
        container,
        bytes: file?.bytes.length,
        actual_start_seconds: 0,
        packets: 300,
        dropped_tracks: [],
      },
      file: { name: file?.name, bytes: file?.bytes.length },
    });
    expect(steps.at(-1)?.percent).toBe(100);
    const bytes = file?.bytes ?? Buffer.alloc(0);
    for (const type of ["video", "audio"] as const)
      expect(await packetsOf(bytes, type)).toEqual(await packetsOf(video, type));
    const again = await look(bytes, "again");
    expect(again.result).toMatchObject({ container, metadata: { title: "Kept" } });
    // An index and a length at its front, as a file has that is written in one go.
    expect(again.result.duration_seconds).toBeCloseTo(4, 1);
  });

  test("remuxing keeps the container by default", async () => {
    const { result } = await look(await makeVideo({ container: "webm" }), "a.webm", { action: "remux" });
    expect(result).toMatchObject({ output: { container: "webm" } });
  });

  test("trimming starts at the key frame before the requested start", async () => {
    const video = await makeVideo({ container: "mp4" });
    const trim = { start_seconds: 1.5, end_seconds: 2.2 };
    const { result, made } = await look(video, "a.mp4", { action: "remux", trim });
    expect(result).toMatchObject({
      output: { actual_start_seconds: 1, actual_end_seconds: 2.2, duration_seconds: 1.2 },
    });
    const bytes = made[0]?.bytes ?? Buffer.alloc(0);
    const pictures = await packetsOf(bytes, "video");
    expect(pictures.numbers).toEqual(upTo(2.2 * FRAME_RATE, FRAME_RATE));
    expect(pictures.times[0]).toBe(0);
    expect((await packetsOf(bytes, "audio")).numbers).toEqual(upTo(110, 50));
  });

  test("trimming keeps the frames that reordered frames depend on", async () => {
    const video = await makeVideo({ container: "mp4", video: "avc", audio: null, reordered: true });
    // Picture 37 is shown there; it is coded after 39, which it may need.
    const trim = { start_seconds: 1, end_seconds: 1.52 };
    const { made } = await look(video, "a.mp4", { action: "remux", trim });
    const { numbers } = await packetsOf(made[0]?.bytes ?? Buffer.alloc(0), "video");
    expect(numbers.toSorted((a, b) => a - b).slice(0, 13)).toEqual(upTo(38, 25));
    expect(numbers.length).toBeLessThanOrEqual(15);
  });

  test("remuxing names the codec that does not fit the container", async () => {
    const video = await makeVideo({ container: "mp4", video: "avc", audio: "aac" });
    const { code, message } = await refusal(video, "a.mp4", { action: "remux", container: "webm" });
    expect(code).toBe("unsupported_codec");
    expect(message).toContain("avc");
    expect(message).toContain("webm");
  });

  test.each<[string, Partial<Params>]>([
    ["invalid_trim", { action: "remux", trim: { start_seconds: 3, end_seconds: 2 } }],
    ["invalid_trim", { action: "remux", trim: { start_seconds: 60 } }],
    ["invalid_params", { action: "inspect", container: "mkv" }],
  ])("a video task refuses with %s: %o", async (code, params) => {
    expect(await refusal(await makeVideo({ container: "webm" }), "a.webm", params)).toMatchObject({ code });
  });

  test("remuxing a large file takes no more memory than a small one", async () => {
    const video = await makeVideo({ container: "mp4", seconds: 12, packetBytes: 500_000 });
    const before = process.memoryUsage.rss();
    let most = before;
    let stored = 0;
    const { result } = await tryType(
      videoType,
      fileOf(video, "large.mp4"),
      { action: "remux", container: "mkv" },
      {
        store: async (content, { name, mediaType }) => {
          for await (const chunk of content) {
            stored += chunk.length;
            most = Math.max(most, process.memoryUsage.rss());
          }
          return { id: "file", name, media_type: mediaType, bytes: stored };
        },
      },
    );
    expect(video.length).toBeGreaterThan(140e6);
    expect(stored).toBeGreaterThan(140e6);
    expect(result).toMatchObject({ output: { bytes: stored } });
    expect(most - before).toBeLessThan(400e6);
  });
});

describe("a broken video", () => {
  const patched = async (fourCharacters: string, offset: number, value: number) => {
    const video = await makeVideo({ container: "mp4", video: "avc", audio: "aac" });
    video.writeUInt32BE(value, video.indexOf(fourCharacters, 0, "latin1") + offset);
    return video;
  };

  test.each<VideoOptions["container"]>(["mp4", "fragmented mp4", "mov", "webm", "mkv"])(
    "(%s) that is cut off is damaged",
    async (container) => {
      const video = await makeVideo({ container });
      for (const share of [0.6, 0.01]) {
        const cut = video.subarray(0, Math.round(video.length * share));
        expect(await refusal(cut, "cut.bin")).toMatchObject({ code: "damaged" });
      }
    },
  );

  test("a video of noise behind a valid header is reported as damaged", async () => {
    const header = (await makeVideo({ container: "mp4" })).subarray(0, 32);
    expect(await refusal(Buffer.concat([header, randomBytes(100_000)]), "noise.mp4")).toMatchObject({
      code: "damaged",
    });
  });

  test.each([
    ["a moov of 4 GB", "moov", -4, 0xffffffff],
    ["a moov of 64 bits", "moov", -4, 1],
    ["a track of 3 bytes", "trak", -4, 3],
    ["4 billion times in a table", "stts", 8, 0xffffffff],
    ["4 billion packets", "stsz", 12, 0xffffffff],
    ["4 billion chunks", "stsc", 8, 0xffffffff],
  ])("a video with %s is reported as damaged at once", async (_, box, offset, value) => {
    const video = await patched(box, offset, value);
    const { result, ms } = await timed(() => refusal(video, "absurd.mp4"));
    expect(result).toMatchObject({ code: "damaged" });
    expect(ms).toBeLessThan(10_000);
  });

  test("a video with a gap is reported as damaged when it is copied", async () => {
    const video = await makeVideo({ container: "mp4", video: "avc", audio: "aac" });
    const table = video.indexOf("stco", 0, "latin1");
    video.writeUInt32BE(0x7fffffff, table + 16);
    expect(await refusal(video, "hole.mp4", { action: "remux" })).toMatchObject({ code: "damaged" });
  });

  test.each([
    ["nothing", Buffer.alloc(0), "empty_file"],
    ["noise", randomBytes(50_000), "unsupported_format"],
    ["text", Buffer.from("Not a video. ".repeat(500)), "unsupported_format"],
    ["PNG", Buffer.from("89504e470d0a1a0a0000000d49484452", "hex"), "unsupported_format"],
  ])("other content (%s) with a video's name is refused", async (_, bytes, code) => {
    expect(await refusal(bytes, "video.mp4")).toMatchObject({ code });
  });

  test("a read error is not a permanent failure of a video task", async () => {
    const file = {
      ...fileOf(await makeVideo({ container: "mp4" }), "a.mp4"),
      read: () => Promise.reject(new Error("no database")),
    };
    await expect(tryType(videoType, file, { action: "inspect" })).rejects.toThrow("no database");
  });
});
