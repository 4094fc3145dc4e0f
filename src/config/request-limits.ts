/** The settings that limit what one API process does and holds for requests. */
import Type from "typebox";
import { MiB } from "./quotas.ts";

export const requestLimits = {
  UPLOAD_MIN_BYTES_PER_SECOND: Type.Integer({
    default: 1024,
    minimum: 1,
    maximum: MiB,
    description:
      "Minimum average rate of an upload in bytes per second, after a grace of 30 seconds; slower ones get 408.",
  }),
  BODY_TIMEOUT_SECONDS: Type.Integer({
    default: 20,
    minimum: 1,
    maximum: 600,
    description: "Seconds for the whole body of a request that is not an upload; slower ones get 408.",
  }),
  BODY_MEMORY_BYTES: Type.Integer({
    default: 64 * MiB,
    minimum: 16 * MiB,
    maximum: 4096 * MiB,
    description:
      "Memory per API process for bodies that are not streamed; JSON counts eight times its size. One user can have a quarter. The largest allowed body always fits twice.",
  }),
  CONNECTIONS_PER_ADDRESS: Type.Integer({
    default: 500,
    minimum: 1,
    maximum: 1_000_000,
    description:
      "Maximum connections of one address (or IPv6 /64) per API process; proxies in TRUST_PROXY have no limit.",
  }),
  REQUESTS_PER_USER: Type.Integer({
    default: 8,
    minimum: 1,
    maximum: 10_000,
    description:
      "Requests that an API process handles at a time for one user; eight times as many wait, more get 429.",
  }),
  REQUESTS_PER_ADDRESS: Type.Integer({
    default: 64,
    minimum: 1,
    maximum: 100_000,
    description: "As REQUESTS_PER_USER, for requests without a login, such as logins, by address.",
  }),
  SEARCHES_PER_USER: Type.Integer({
    default: 2,
    minimum: 1,
    maximum: 1000,
    description:
      "Searches, filtered lists, counts and exports that an API process handles at a time for one user.",
  }),
  UPLOADS_PER_USER: Type.Integer({
    default: 4,
    minimum: 1,
    maximum: 1000,
    description: "Uploads that an API process receives at a time from one user.",
  }),
  EVENT_STREAMS_PER_USER: Type.Integer({
    default: 32,
    minimum: 1,
    maximum: 100_000,
    description: "Open event streams of one user per API process; more get 429.",
  }),
  READ_TIMEOUT_SECONDS: Type.Integer({
    default: 10,
    minimum: 1,
    maximum: 60,
    description: "Time limit of one database statement of a GET request.",
  }),
  ANSWER_MEMORY_BYTES: Type.Integer({
    default: 12 * MiB,
    minimum: 4 * MiB,
    description:
      "Bytes of answers that one API process holds at a time, a third of them per user; downloads have as many again.",
  }),
};
