/** The output formats of remuxing. */
import {
  MkvOutputFormat,
  MovOutputFormat,
  Mp4OutputFormat,
  type OutputFormat,
  WebMOutputFormat,
} from "mediabunny";
import type { Container } from "./limits.ts";

/** Complete files with an index, so that players can seek. */
const FORMATS: Readonly<Record<Container, () => OutputFormat>> = {
  mp4: () => new Mp4OutputFormat({ fastStart: false }),
  mov: () => new MovOutputFormat({ fastStart: false }),
  webm: () => new WebMOutputFormat(),
  mkv: () => new MkvOutputFormat(),
};

export function formatOf(container: Container): OutputFormat {
  return FORMATS[container]();
}
