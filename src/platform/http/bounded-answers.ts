/** Counts every answer towards the memory of its process, and streams answers in small pieces. */
import { Readable } from "node:stream";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { AnswerMemory, type Hold } from "./answer-memory.ts";

/** The bytes of the pages that a download is read in. */
export const DOWNLOAD_PAGE_BYTES = 2 ** 19;
/** The page that is being read, the page that is being sent, and what streams hold. */
const DOWNLOAD_BYTES = 4 * DOWNLOAD_PAGE_BYTES;
/** The pieces in which text is sent, so that streams hold little of it while the client does not read. */
const PIECE_BYTES = 2 ** 16;

declare module "fastify" {
  interface FastifyInstance {
    readonly downloads: AnswerMemory;
  }
  interface FastifyRequest {
    /** The memory of the answer; null until the handler runs. */
    answer: Hold | null;
  }
}

/** @param maxBytes the memory for answers; downloads have as much again */
export function boundAnswers(app: FastifyInstance, maxBytes: number): void {
  const answers = new AnswerMemory(maxBytes);
  app.decorate("downloads", new AnswerMemory(maxBytes));
  app.decorateRequest("answer", null);
  app.addHook("preHandler", async (request, reply) => {
    request.answer = openHold(answers, request, reply);
  });
  app.addHook("onSend", async ({ answer }, _reply, payload) => {
    if (typeof payload === "string" || Buffer.isBuffer(payload)) answer?.sending(Buffer.byteLength(payload));
  });
}

function openHold(memory: AnswerMemory, request: FastifyRequest, reply: FastifyReply): Hold {
  // The hook of a route that requires no authentication sets no user.
  const owner = request.user ? `user ${request.user.id}` : request.ip;
  const hold = memory.open(owner, () => {
    request.log.warn("disconnected a client that reads too slowly: others wait for memory");
    reply.raw.destroy();
  });
  for (const event of ["finish", "close"]) reply.raw.once(event, () => hold.close());
  return hold;
}

/** @throws DomainError `unavailable` after ten seconds without memory */
export async function reserveAnswer({ answer }: FastifyRequest, bytes: number): Promise<void> {
  await answer?.reserve(bytes);
}

/**
 * Waits until there is memory for one more download.
 * @returns a function to call with the size of each page before the page is read
 * @throws DomainError `unavailable` after ten seconds
 */
export async function openDownload(
  request: FastifyRequest,
  reply: FastifyReply,
  bytes = DOWNLOAD_BYTES,
): Promise<(bytes: number) => Promise<void>> {
  const { answer } = request;
  const download = openHold(request.server.downloads, request, reply);
  await download.reserve(Math.min(bytes, DOWNLOAD_BYTES));
  return async (bytes) => {
    // A page is read when the client has received the page before the last one.
    download.sending();
    if (bytes > DOWNLOAD_PAGE_BYTES) await answer?.reserve(bytes);
    answer?.sending(bytes > DOWNLOAD_PAGE_BYTES ? bytes : 0);
  };
}

/** Returns a stream of the text or the bytes. It reads on only when the client has received nearly all of what was read. */
export function streamOf(pages: AsyncIterable<string | Buffer>): Readable {
  return Readable.from(inPieces(pages));
}

async function* inPieces(pages: AsyncIterable<string | Buffer>): AsyncGenerator<Buffer> {
  for await (const page of pages) {
    const bytes = typeof page === "string" ? Buffer.from(page) : page;
    for (let start = 0; start < bytes.length; start += PIECE_BYTES) {
      yield bytes.subarray(start, start + PIECE_BYTES);
    }
  }
}
