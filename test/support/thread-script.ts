/** The script of a thread that works, fails, hangs or takes memory, as its data says. */
import { serveThread } from "../../src/platform/threads/inside.ts";

export type ScriptHost = {
  double(value: number): Promise<number>;
  bytes(length: number): Promise<Uint8Array>;
  take(bytes: Uint8Array): Promise<number>;
};

class Refused extends Error {
  override name = "Refused";
  readonly code = "refused";
}

serveThread<ScriptHost, string>(async (what, { host, progress }) => {
  const kept: unknown[] = [];
  switch (what) {
    case "ask":
      return [await host.double(21), (await host.bytes(1000)).length, await host.take(new Uint8Array(500))];
    case "progress":
      for (let percent = 0; percent <= 100; percent++) progress(percent, `${percent} of 100`);
      return null;
    case "loop":
      progress(100);
      for (;;);
    case "objects":
      for (;;) kept.push({ value: Math.random(), list: [1, 2, 3] });
    case "bytes":
      for (;;) kept.push(new Uint8Array(10_000_000).fill(1));
    case "throw":
      throw new Refused("this is no good");
    case "exit":
      return process.exit(3);
    case "crash":
      setImmediate(() => {
        throw new TypeError("nobody catches this");
      });
      return new Promise(() => {});
    case "environment":
      return Object.keys(process.env);
    default:
      return what;
  }
});
