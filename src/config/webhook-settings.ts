/** The settings of webhooks. */
import Type, { type Static, type TObject } from "typebox";
import { ConfigError } from "../errors.ts";
import { type Network, parseNetworks } from "./networks.ts";

const CIDR = "[0-9a-fA-F:.]+/[0-9]{1,3}";

export const webhookSettings = {
  WEBHOOKS_PER_USER: Type.Integer({
    default: 5,
    minimum: 0,
    maximum: 100,
    description: "Webhooks per user. Each has up to 2 of the 20 deliveries that a worker sends at a time.",
  }),
  WEBHOOK_MAX_WAITING: Type.Integer({
    default: 10_000,
    minimum: 1,
    maximum: 1_000_000,
    description: "Unfinished deliveries per webhook. Further ones are stored as failed and can be replayed.",
  }),
  WEBHOOK_MAX_DELIVERIES: Type.Integer({
    default: 10_000,
    minimum: 1,
    maximum: 1_000_000,
    description:
      "The newest deliveries that stay in the log of a webhook. Older ones are removed every minute, except unfinished ones.",
  }),
  WEBHOOK_TIMEOUT_SECONDS: Type.Integer({
    default: 15,
    minimum: 1,
    maximum: 30,
    description: "Seconds until a request to a webhook must have its answer.",
  }),
  WEBHOOK_RETRY_SECONDS: Type.String({
    default: "5,60,300,1800,7200,18000,36000",
    pattern: "^[0-9]{1,6}(,[0-9]{1,6}){0,19}$",
    description: "Delays before the retries of a delivery, in seconds; each varies by 20 %.",
  }),
  WEBHOOK_ALLOW_HTTP: Type.Enum(["false", "true"], {
    default: "false",
    description: "Whether webhooks and other outgoing requests may have URLs that begin with `http://`.",
  }),
  WEBHOOK_ALLOWED_NETWORKS: Type.String({
    default: "",
    pattern: `^$|^${CIDR}(, *${CIDR})*$`,
    description:
      "Networks that outgoing requests may reach although they are not public, such as `10.0.0.0/8,fd00::/8`.",
  }),
  WEBHOOK_PROXY: Type.String({
    default: "",
    pattern: "^$|^https?://",
    description:
      "URL of a proxy (CONNECT) for outgoing requests. It looks up names, so it must refuse private addresses itself.",
  }),
};

type WebhookSettings = Static<TObject<typeof webhookSettings>>;

export function webhookLimits(settings: WebhookSettings) {
  return {
    maxPerUser: settings.WEBHOOKS_PER_USER,
    maxWaiting: settings.WEBHOOK_MAX_WAITING,
    maxDeliveries: settings.WEBHOOK_MAX_DELIVERIES,
    timeoutSeconds: settings.WEBHOOK_TIMEOUT_SECONDS,
    retrySeconds: settings.WEBHOOK_RETRY_SECONDS.split(",").map(Number),
  } as const;
}

interface OwnPrograms {
  readonly PORT: number;
  readonly WORKER_PORT: number;
  readonly DATABASE_URL: string;
}

/** Returns the rules of requests to URLs of users. @throws ConfigError */
export function egressOf(settings: WebhookSettings & OwnPrograms) {
  const { PORT, WORKER_PORT, DATABASE_URL } = settings;
  const databasePort = Number(URL.parse(DATABASE_URL)?.port) || DATABASE_PORT;
  return {
    allowHttp: settings.WEBHOOK_ALLOW_HTTP === "true",
    allowedNetworks: networksOf(settings.WEBHOOK_ALLOWED_NETWORKS),
    ownPorts: [PORT, WORKER_PORT, databasePort],
    proxyUrl: settings.WEBHOOK_PROXY,
  } as const;
}

const DATABASE_PORT = 5432;

function networksOf(text: string): readonly Network[] {
  try {
    return parseNetworks(text);
  } catch (cause) {
    throw new ConfigError(
      `WEBHOOK_ALLOWED_NETWORKS: "${text}" is not a list of networks such as 10.0.0.0/8.`,
      {
        cause,
      },
    );
  }
}
