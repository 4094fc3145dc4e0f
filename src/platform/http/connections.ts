/** Limits the connections of one address, and keeps those that wait for the server. */
import type { Server } from "node:http";
import type { Socket } from "node:net";
import { compile } from "@fastify/proxy-addr";
import type { FastifyInstance } from "fastify";
import type { Config } from "../../config/config.ts";
import { answerAndClose } from "./client-errors.ts";
import { clientNetwork } from "./client-network.ts";

type Limits = Pick<Config, "connectionsPerAddress" | "trustProxy">;

/** A trusted proxy has no limit: its connections belong to many clients, which REQUESTS_PER_USER limits. */
export function limitConnections(server: Server, { connectionsPerAddress: max, trustProxy }: Limits): void {
  const isProxy = trustProxy ? compile(trustProxy.split(",")) : () => false;
  const open = new Map<string, number>();
  server.on("connection", (socket) => {
    const { remoteAddress } = socket;
    if (!remoteAddress || isProxy(remoteAddress, 0)) return;
    const address = clientNetwork(remoteAddress);
    const count = open.get(address) ?? 0;
    if (count >= max) {
      const detail = `Your address has ${max} connections already (CONNECTIONS_PER_ADDRESS). Close some of them.`;
      answerAndClose(socket, 429, "too_many_requests", detail);
      return;
    }
    open.set(address, count + 1);
    socket.once("close", () => {
      const rest = (open.get(address) ?? 1) - 1;
      if (rest > 0) open.set(address, rest);
      else open.delete(address);
    });
  });
}

/**
 * Lets `connectionTimeout` close no connection whose client waits for the server: the rows of a workbook can be read for
 * minutes after its last byte arrived, and uploads and downloads can wait for others. A client that sends too slowly is the matter
 * of body-pace.ts; here, one that does not read what was written for it.
 */
export function keepWaitingConnections(app: FastifyInstance): void {
  app.addHook("onRequest", async (_request, reply) => {
    // With a listener, Node.js leaves it to the listener to close the connection.
    reply.raw.on("timeout", (socket: Socket) => {
      if (socket.writableLength > 0) socket.destroy();
    });
  });
}
