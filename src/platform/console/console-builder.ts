import { type Build, buildIfStale, type Place } from "./build-console.ts";

const MAX_REASON = 300;
/** Lines of vite that name no reason. */
const HEADLINE = /^(✗|error during build:$|Build failed with|$)/;
const PLACE_IN_SOURCE = /[\w./-]+\.(tsx?|css|html):\d+:\d+/;

/** Returns a function that builds the console after earlier calls, and reports a failure instead of throwing it. */
export function consoleBuilder(
  place: Place,
  build: Build,
  report: (line: string) => void,
): () => Promise<void> {
  let last = Promise.resolve();
  const run = async () => {
    try {
      if (await buildIfStale(place, build)) report("The console is built.");
    } catch (error) {
      const reason = reasonOf(error);
      report(`The console could not be built, and its last build stays (npm run build shows all): ${reason}`);
    }
  };
  return () => {
    last = last.then(run);
    return last;
  };
}

function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const lines = text.split("\n").map((line) => line.trim());
  const reason = lines.find((line) => !HEADLINE.test(line)) ?? "unknown";
  const [place] = PLACE_IN_SOURCE.exec(text) ?? [];
  return (place && !reason.includes(place) ? `${place}: ${reason}` : reason).slice(0, MAX_REASON);
}
