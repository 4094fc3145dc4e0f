/** Copies the packets of a video, or of a part of it, into a new file without encoding again. */
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
import { stemOf } from "../../../files/names.ts";
import type { FileHost } from "../in-thread.ts";
import { formatOf } from "./containers.ts";
import { round } from "./inspect-video.ts";
import { CONTAINERS, type Container } from "./limits.ts";
import type { Video } from "./open-video.ts";
import { keyFrameAt, packetsBetween } from "./packets.ts";
import { TwoPassOutput } from "./two-pass-output.ts";

export interface RemuxOptions {
  /** undefined: the same container, or MP4 for MPEG-TS. */
  readonly container: Container | undefined;
  readonly startSeconds: number;
  /** Infinity: the end of the video. */
  readonly endSeconds: number;
  readonly write: FileHost["write"];
  readonly onProgress: (percent: number, message: string) => void;
}

interface Range {
  readonly start: number;
  readonly end: number;
  /** `end`, limited by the duration; for progress. */
  readonly last: number;
}

/** @throws Permanent `unsupported_codec` or `invalid_trim` */
export async function remuxVideo(source: Video, durationSeconds: number, options: RemuxOptions) {
  const { file, video } = source;
  const container = options.container ?? (isContainer(source.format) ? source.format : "mp4");
  const { copied, dropped } = await chooseTracks(source, container);
  if (options.startSeconds >= durationSeconds) {
    const message = `trim.start_seconds is ${options.startSeconds}, but "${file.name}" is only ${round(durationSeconds)} s long.`;
    throw new Permanent("invalid_trim", message);
  }
  const keyFrame = options.startSeconds > 0 ? await keyFrameAt(video, options.startSeconds) : null;
  const start = keyFrame?.timestamp ?? (await source.input.getFirstTimestamp());
  const range: Range = {
    start,
    end: options.endSeconds,
    last: Math.min(options.endSeconds, durationSeconds),
  };
  const output = new TwoPassOutput();
  await copy(source, copied, range, container, output.firstPass(), (share) =>
    options.onProgress(share * 50, "Planning the new file"),
  );
  const to = {
    name: `${stemOf(file.name, "video")}.${container}`,
    mediaType: formatOf(container).mimeType,
  };
  const writer = output.secondPass((bytes) => options.write(bytes, to));
  const { end, packets } = await copy(source, copied, range, container, writer, (share) =>
    options.onProgress(50 + share * 50, "Writing the new file"),
  );
  options.onProgress(100, "The new file is written");
  return {
    container,
    mime_type: to.mediaType,
    bytes: output.bytes,
    duration_seconds: round(end - start),
    actual_start_seconds: round(start),
    actual_end_seconds: round(end),
    packets,
    dropped_tracks: dropped,
  };
}

function isContainer(format: string): format is Container {
  return CONTAINERS.some((container) => container === format);
}

async function chooseTracks({ file, tracks }: Video, container: Container) {
  const format = formatOf(container);
  const supported: readonly string[] = format.getSupportedCodecs();
  const copied: InputTrack[] = [];
  const dropped: { number: number; type: string; codec: string | null }[] = [];
  for (const track of tracks) {
    const codec = await track.getCodec();
    if (!track.isVideoTrack() && !track.isAudioTrack()) {
      dropped.push({ number: track.id, type: track.type, codec });
    } else if (codec && supported.includes(codec)) {
      copied.push(track);
    } else {
      const message =
        `"${file.name}" has a track of ${track.type} in ${codec ?? "an unknown codec"}, which ${container} does not ` +
        `support. Tracks are copied without encoding them again. Codecs of ${container}: ${supported.join(", ")}.`;
      throw new Permanent("unsupported_codec", message);
    }
  }
  return { copied, dropped };
}

/** A track while it is copied. */
interface Lane {
  readonly packets: AsyncGenerator<EncodedPacket>;
  next: EncodedPacket | null;
  add(packet: EncodedPacket): Promise<void>;
  close(): void;
}

/** @returns `end`: when the last packet ends, in seconds of the source */
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
  // In order of time across all tracks, so that the muxer need not buffer packets.
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
  if (!track.isAudioTrack()) throw new Error(`A track of type ${track.type} cannot be copied.`);
  const source = new EncodedAudioPacketSource((await track.getCodec()) ?? "aac");
  const decoderConfig = await track.getDecoderConfig();
  const meta = decoderConfig ? { decoderConfig } : {};
  output.addAudioTrack(source, metadata);
  return { packets, next: null, add: (packet) => source.add(packet, meta), close: () => source.close() };
}
