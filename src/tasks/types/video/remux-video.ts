/** Puts a video's packets into another file as they are, all of them or some seconds. */
import {
  EncodedAudioPacketSource,
  type EncodedPacket,
  EncodedVideoPacketSource,
  type InputTrack,
  Output,
  type OutputFormat,
  type Target,
} from "mediabunny";
import { Permanent } from "../../../errors.ts";
import type { FileHost } from "../in-thread.ts";
import { formatOf } from "./containers.ts";
import { round } from "./inspect-video.ts";
import type { Container } from "./limits.ts";
import { LaterWrites } from "./linear-target.ts";
import type { Video } from "./open-video.ts";
import { keyFrameAt, packetsBetween } from "./packets.ts";

export interface RemuxOptions {
  /** Absent: as it is, and MP4 for MPEG-TS. */
  readonly container: Container | undefined;
  readonly startSeconds: number;
  /** Infinity: to its end. */
  readonly endSeconds: number;
  readonly write: FileHost["write"];
  readonly onProgress: (percent: number, message: string) => void;
}

interface Range {
  readonly start: number;
  readonly end: number;
  /** Where it ends at the latest. */
  readonly last: number;
}

export async function remuxVideo(source: Video, durationSeconds: number, options: RemuxOptions) {
  const { file, video } = source;
  const container = options.container ?? (isContainer(source.format) ? source.format : "mp4");
  const { copied, dropped } = await chooseTracks(source, container);
  if (options.startSeconds >= durationSeconds) {
    const message = `trim.start_seconds is ${options.startSeconds}, and "${file.name}" takes ${round(durationSeconds)} s.`;
    throw new Permanent("invalid_trim", message);
  }
  const begin = options.startSeconds > 0 ? await keyFrameAt(video, options.startSeconds) : null;
  const start = begin?.timestamp ?? (await source.input.getFirstTimestamp());
  const range: Range = {
    start,
    end: options.endSeconds,
    last: Math.min(options.endSeconds, durationSeconds),
  };
  const later = new LaterWrites();
  await copy(source, copied, range, container, later.recorder(), (share) =>
    options.onProgress(share * 50, "Laying out the new file"),
  );
  const to = {
    name: `${file.name.replace(/\.[^.]*$/, "") || "video"}.${container}`,
    mediaType: formatOf(container).mimeType,
  };
  const writer = later.writer((bytes) => options.write(bytes, to));
  const { end, packets } = await copy(source, copied, range, container, writer, (share) =>
    options.onProgress(50 + share * 50, "Writing the new file"),
  );
  options.onProgress(100, "The new file is written");
  return {
    container,
    mime_type: to.mediaType,
    bytes: later.bytes,
    duration_seconds: round(end - start),
    actual_start_seconds: round(start),
    actual_end_seconds: round(end),
    packets,
    dropped_tracks: dropped,
  };
}

function isContainer(format: string): format is Container {
  return ["mp4", "mov", "webm", "mkv"].includes(format);
}

async function chooseTracks({ file, tracks }: Video, container: Container) {
  const format = formatOf(container);
  const fitting: readonly string[] = format.getSupportedCodecs();
  const copied: InputTrack[] = [];
  const dropped: { number: number; type: string; codec: string | null }[] = [];
  for (const track of tracks) {
    const codec = await track.getCodec();
    if (!track.isVideoTrack() && !track.isAudioTrack()) {
      dropped.push({ number: track.id, type: track.type, codec });
    } else if (codec && fitting.includes(codec)) {
      copied.push(track);
    } else {
      const known = codec ?? "a codec that is not known";
      const message =
        `"${file.name}" has ${track.type} coded as ${known}, which does not fit into ${container}. ` +
        `It takes ${format.getSupportedCodecs().join(", ")}; nothing is coded anew here.`;
      throw new Permanent("unsupported_codec", message);
    }
  }
  return { copied, dropped };
}

interface Lane {
  readonly packets: AsyncGenerator<EncodedPacket>;
  next: EncodedPacket | null;
  add(packet: EncodedPacket): Promise<void>;
  close(): void;
}

/** @returns when its last packet ends, in the source's time */
async function copy(
  source: Video,
  tracks: readonly InputTrack[],
  range: Range,
  container: Container,
  target: Target,
  onShare: (share: number) => void,
): Promise<{ end: number; packets: number }> {
  const output = new Output({ format: formatOf(container), target });
  const lanes: Lane[] = [];
  for (const track of tracks) lanes.push(await laneOf(output, track, range));
  const { title, description, artist, album, genre, date, comment } = await source.input.getMetadataTags();
  const tags = { title, description, artist, album, genre, date, comment };
  output.setMetadataTags(Object.fromEntries(Object.entries(tags).filter(([, value]) => value)));
  await output.start();
  let end = range.start;
  let packets = 0;
  // Track by track in time, so that no muxer has to keep one back until the others come.
  for (const lane of lanes) await advance(lane);
  for (;;) {
    const lane = lanes.reduce<Lane | null>((first, lane) => (isEarlier(lane, first) ? lane : first), null);
    if (!lane?.next) break;
    const packet = lane.next;
    const timestamp = Math.max(0, packet.timestamp - range.start);
    await lane.add(packet.clone({ timestamp }));
    end = Math.max(end, packet.timestamp + packet.duration);
    packets++;
    onShare(Math.min(1, (packet.timestamp - range.start) / Math.max(0.001, range.last - range.start)));
    await advance(lane);
  }
  await output.finalize();
  return { end, packets };
}

async function advance(lane: Lane): Promise<void> {
  const { value, done } = await lane.packets.next();
  lane.next = done ? null : value;
  if (done) lane.close();
}

function isEarlier({ next }: Lane, than: Lane | null): boolean {
  return next !== null && (!than?.next || next.timestamp < than.next.timestamp);
}

async function laneOf(output: Output<OutputFormat, Target>, track: InputTrack, range: Range): Promise<Lane> {
  const packets = packetsBetween(track, range.start, range.end);
  const name = await track.getName();
  const metadata = {
    languageCode: await track.getLanguageCode(),
    ...(name && { name }),
    disposition: await track.getDisposition(),
  };
  if (track.isVideoTrack()) {
    const source = new EncodedVideoPacketSource((await track.getCodec()) ?? "avc");
    const decoderConfig = await track.getDecoderConfig();
    const meta = decoderConfig ? { decoderConfig } : {};
    output.addVideoTrack(source, {
      ...metadata,
      rotation: await track.getRotation(),
      flip: await track.getFlip(),
    });
    return { packets, next: null, add: (packet) => source.add(packet, meta), close: () => source.close() };
  }
  if (!track.isAudioTrack()) throw new Error(`a ${track.type} track can't be copied`);
  const source = new EncodedAudioPacketSource((await track.getCodec()) ?? "aac");
  const decoderConfig = await track.getDecoderConfig();
  const meta = decoderConfig ? { decoderConfig } : {};
  output.addAudioTrack(source, metadata);
  return { packets, next: null, add: (packet) => source.add(packet, meta), close: () => source.close() };
}
