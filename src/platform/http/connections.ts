/** Limits the connections of one address. */
import type { Server } from "node:http";
import { compile } from "@fastify/proxy-addr";
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
