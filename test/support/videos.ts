/** Small videos whose packets are made up: no decoder would show them, but containers don't look inside. */
import {
  BufferTarget,
  EncodedAudioPacketSource,
  EncodedPacket,
  EncodedVideoPacketSource,
  type MetadataTags,
  MkvOutputFormat,
  MovOutputFormat,
  Mp4OutputFormat,
  Output,
  type OutputFormat,
  type Rotation,
  WebMOutputFormat,
} from "mediabunny";

/** H.264 and AAC need theirs in the container: the least that is well-formed, for 320 x 240 and 48 kHz. */
const AVC = new Uint8Array([
  1, 66, 0, 30, 255, 225, 0, 9, 0x67, 66, 0, 30, 0xda, 0x05, 0x07, 0xe4, 0x40, 1, 0, 4, 0x68, 0xce, 0x38,
  0x80,
]);
const AAC = new Uint8Array([0x11, 0x90]);
const VIDEO = {
  avc: { codec: "avc1.42001e", description: AVC },
  vp8: { codec: "vp8" },
  vp9: { codec: "vp09.00.10.08" },
} as const;
const AUDIO = {
  aac: { codec: "mp4a.40.2", description: AAC },
  opus: { codec: "opus" },
} as const;

export interface VideoOptions {
  readonly container: "mp4" | "mov" | "webm" | "mkv" | "fragmented mp4" | "live mkv";
  readonly video?: keyof typeof VIDEO;
  readonly audio?: keyof typeof AUDIO | null;
  readonly seconds?: number;
  /** A key frame each second; between them each two frames are coded before one that is shown before them. */
  readonly reordered?: boolean;
  readonly packetBytes?: number;
  readonly rotation?: Rotation;
  readonly tags?: MetadataTags;
}

const FORMATS: Readonly<Record<VideoOptions["container"], () => OutputFormat>> = {
  mp4: () => new Mp4OutputFormat({ fastStart: "in-memory" }),
  "fragmented mp4": () => new Mp4OutputFormat({ fastStart: "fragmented" }),
  mov: () => new MovOutputFormat({ fastStart: false }),
  webm: () => new WebMOutputFormat(),
  mkv: () => new MkvOutputFormat(),
  "live mkv": () => new MkvOutputFormat({ appendOnly: true }),
};

export const FRAME_RATE = 25;
const PACKET_SECONDS = 0.02;

/** The first bytes of a packet tell which it is. */
function packetData(kind: "video" | "audio", number: number, bytes: number): Uint8Array {
  const data = new Uint8Array(bytes).fill(kind === "video" ? 0x56 : 0x41);
  // A length, as H.264 has it in MP4, and a kind of piece that means nothing.
  new DataView(data.buffer).setUint32(0, bytes - 4);
  data[4] = 0x0c;
  new DataView(data.buffer).setUint32(5, number);
  return data;
}

export async function makeVideo(options: VideoOptions): Promise<Buffer> {
  const { container, video = "vp9", audio = "opus", seconds = 4, packetBytes = 100 } = options;
  const target = new BufferTarget();
  const output = new Output({ format: FORMATS[container](), target });
  const pictures = new EncodedVideoPacketSource(video);
  output.addVideoTrack(pictures, { rotation: options.rotation ?? 0 });
  const sound = audio && new EncodedAudioPacketSource(audio);
  if (sound) output.addAudioTrack(sound, { languageCode: "deu" });
  output.setMetadataTags(options.tags ?? {});
  await output.start();
  const videoConfig = { ...VIDEO[video], codedWidth: 320, codedHeight: 240 };
  const audioConfig = audio && { ...AUDIO[audio], numberOfChannels: 2, sampleRate: 48_000 };
  for (let second = 0; second < seconds; second++) {
    for (let frame = 0; frame < FRAME_RATE; frame++) {
      // Decoded as 0 3 1 2 6 4 5 ..., shown as 0 1 2 3 4 5 6.
      const shown = options.reordered && frame > 0 ? frame + (frame % 3 === 1 ? 2 : -1) : frame;
      const number = second * FRAME_RATE + shown;
      const packet = new EncodedPacket(
        packetData("video", number, packetBytes),
        frame === 0 ? "key" : "delta",
        number / FRAME_RATE,
        1 / FRAME_RATE,
      );
      await pictures.add(packet, { decoderConfig: videoConfig });
    }
    for (let at = 0; sound && audioConfig && at < 1 / PACKET_SECONDS; at++) {
      const number = second / PACKET_SECONDS + at;
      const data = packetData("audio", number, 40);
      const packet = new EncodedPacket(data, "key", number * PACKET_SECONDS, PACKET_SECONDS);
      await sound.add(packet, { decoderConfig: audioConfig });
    }
  }
  await output.finalize();
  if (!target.buffer) throw new Error("nothing was written");
  return Buffer.from(target.buffer);
}
