/** Counts every answer towards the memory of its process, and sends long answers in small pieces. */
import { Readable } from "node:stream";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { AnswerMemory, type Hold, Progress } from "./answer-memory.ts";

/** The bytes of one batch with a thousand columns, or of one task with long parameters. */
export const DETAIL_BYTES = 2 ** 20;
/** The bytes of the pages that a download is read in. */
export const DOWNLOAD_PAGE_BYTES = 2 ** 18;
/** The page that is being read, and the page that is being sent, with its text. */
const DOWNLOAD_BYTES = 3 * DOWNLOAD_PAGE_BYTES;
/** The bytes or characters of the pieces in which an answer is sent, so that streams hold little of it at a time. */
const PIECE_LENGTH = 2 ** 16;

/**
 * An empty page. Generators and streams keep the last item that they passed on, and a piece keeps its whole page in memory. A
 * source of long pages yields this after each page, so that they keep this instead.
 */
export const RELEASE = "";

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
    const receiver = {
      // The hook of a route that requires no authentication sets no user.
      owner: request.user ? `user ${request.user.id}` : request.ip,
      progress: new Progress(),
      disconnect() {
        request.log.warn("disconnected a client that reads too slowly: others wait for memory");
        reply.raw.destroy();
      },
    };
    request.answer = closedAtEnd(answers.open(receiver), reply);
  });
  app.addHook("onSend", async ({ answer, method }, reply, payload) => {
    if (!answer || (typeof payload !== "string" && !Buffer.isBuffer(payload))) return payload;
    const bytes = Buffer.byteLength(payload);
    answer.set(bytes);
    if (bytes <= PIECE_LENGTH || method === "HEAD") return payload;
    reply.header("content-length", bytes);
    return streamOf([payload], answer.receiver.progress);
  });
}

function closedAtEnd(hold: Hold, reply: FastifyReply): Hold {
  for (const event of ["finish", "close"]) reply.raw.once(event, () => hold.close());
  return hold;
}

/** @throws DomainError `unavailable` after ten seconds without memory */
export async function reserveAnswer({ answer }: FastifyRequest, bytes: number): Promise<void> {
  await answer?.reserve(bytes);
}

/** An answer that is sent while it is read. */
export interface OpenDownload {
  /** Reserves the memory of the next page. */
  readonly reserveMemory: (bytes: number) => Promise<void>;
  /** Sends the text or the bytes, as fast as the client reads and until it disconnects. */
  readonly stream: (pages: AsyncIterable<string | Buffer>) => Readable;
}

/**
 * Waits until there is memory for one more download.
 * @param bytes the length of the download, if it is known
 * @throws DomainError `unavailable` after ten seconds
 */
export async function openDownload(
  request: FastifyRequest,
  reply: FastifyReply,
  bytes = DOWNLOAD_BYTES,
): Promise<OpenDownload> {
  const { answer } = request;
  if (!answer) throw new Error("A download begins in a handler.");
  const { receiver } = answer;
  await closedAtEnd(request.server.downloads.open(receiver), reply).reserve(Math.min(bytes, DOWNLOAD_BYTES));
  return {
    async reserveMemory(bytes) {
      if (bytes <= DOWNLOAD_PAGE_BYTES) answer.set(0);
      else await answer.reserve(bytes);
    },
    stream: (pages) => streamOf(pages, receiver.progress),
  };
}

/** Reads on only when the client has received nearly all of what was read. */
function streamOf(
  pages: Iterable<string | Buffer> | AsyncIterable<string | Buffer>,
  progress: Progress,
): Readable {
  return Readable.from(inPieces(pages, progress));
}

async function* inPieces(
  pages: Iterable<string | Buffer> | AsyncIterable<string | Buffer>,
  progress: Progress,
): AsyncGenerator<string | Buffer> {
  for await (const page of pages) {
    if (page === RELEASE) yield RELEASE;
    for (let start = 0; start < page.length; ) {
      const end = endOfPiece(page, start);
      // The socket encodes text itself and frees it at once. Buffers would stay until the garbage is collected.
      const piece = typeof page === "string" ? page.slice(start, end) : page.subarray(start, end);
      progress.offer();
      yield piece;
      progress.taken(piece.length);
      start = end;
    }
  }
}

/** Does not cut a character into its two surrogates. */
function endOfPiece(page: string | Buffer, start: number): number {
  const end = Math.min(start + PIECE_LENGTH, page.length);
  if (typeof page !== "string" || end === page.length) return end;
  return isHighSurrogate(page.charCodeAt(end - 1)) ? end + 1 : end;
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}
