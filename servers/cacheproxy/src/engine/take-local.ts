import { CommandId, ReplyShape } from "../protocol/codes.ts";
import {
  formatNoop,
  formatOk,
  formatReply,
  formatReset,
  formatStats,
  formatVersion,
  type Stat,
} from "../protocol/reply-format.ts";
import { type RequestContext, requestContext } from "../protocol/request-conversion.ts";
import { broadcast, type ServerAnswer } from "./broadcast.ts";
import type { ClientConnection } from "./client.ts";
import { serverStats } from "./path-counts.ts";
import { formatAddress } from "./server-address.ts";
import { SlotMode } from "./slot.ts";

/** What `version` answers: clients choose what they may use by it, and it is memcached 1.6.18 that is spoken here. */
export const PROXY_VERSION = "1.6.18-kagami-0.1.0";

/** Answers a request that concerns no key: by itself, or after asking all servers. */
export function takeLocal(client: ClientConnection, bytes: Uint8Array): boolean {
  const { parser } = client;
  const context = requestContext(parser, bytes);
  switch (parser.command) {
    case CommandId.MN:
      client.answer(formatNoop(context));
      break;
    case CommandId.VERSION:
      client.answer(formatVersion(context, PROXY_VERSION));
      break;
    case CommandId.QUIT:
      client.answer(formatOk(context));
      client.endAfterReplies();
      break;
    case CommandId.FLUSH_ALL:
      askAll(client, context, parser.delaySec === 0 ? "flush_all" : `flush_all ${parser.delaySec}`, allOk);
      break;
    case CommandId.VERBOSITY:
      // Servers' logs are their operators' business; the answer is memcached's.
      client.answer(formatOk(context));
      break;
    case CommandId.STATS:
      takeStats(client, context, bytes);
      break;
    default:
      client.answer(formatReply(context, { code: "ERROR", flags: [] }));
  }
  return true;
}

function takeStats(client: ClientConnection, context: RequestContext, bytes: Uint8Array): void {
  const { parser, path } = client;
  const args = new TextDecoder("latin1").decode(bytes.subarray(parser.argsStart, parser.argsEnd)).trim();
  switch (args) {
    case "":
      client.answer(formatStats(context, path.ownStats()));
      break;
    case "servers":
      client.answer(formatStats(context, serverStats(path.upstreams)));
      break;
    case "reset":
      askAll(client, context, "stats reset", (answers) =>
        answers.every(isOk) ? formatReset(context) : firstProblem(context, answers),
      );
      break;
    default:
      askAll(client, context, `stats ${args}`, mergeStats);
  }
}

type Merge = (answers: readonly ServerAnswer[], context: RequestContext) => Uint8Array;

/** Sends a line to every server, and answers with what `merge` makes of their answers. */
function askAll(client: ClientConnection, context: RequestContext, line: string, merge: Merge): void {
  const { path } = client;
  const slot = client.newSlot(-1, SlotMode.LOCAL);
  client.push(slot);
  const shape = line.startsWith("stats") ? ReplyShape.LINES_UNTIL_END : ReplyShape.LINE;
  broadcast(path, line, shape, (answers) => {
    const text = merge(answers, context);
    if (slot.client) slot.client.deliver(slot, text, 0, text.length);
    else path.slots.give(slot);
  });
}

function isOk({ text }: Pick<ServerAnswer, "text">): boolean {
  return text === "OK\r\n" || text === "RESET\r\n";
}

const allOk: Merge = (answers, context) => (answers.every(isOk) ? formatOk(context) : firstProblem(context, answers));

/** Says which server did not do what all were asked for. */
function firstProblem(context: RequestContext, answers: readonly ServerAnswer[]): Uint8Array {
  const problem = answers.find((answer) => !isOk(answer));
  if (!problem) return formatReply(context, { code: "SERVER_ERROR", flags: [], message: "there are no servers" });
  const said = problem.text.trim();
  const message = `server ${formatAddress(problem.address)}: ${said === "" ? problem.failure : said}`;
  return formatReply(context, { code: "SERVER_ERROR", flags: [], message });
}

/** The statistics of all servers, each named after its server. */
const mergeStats: Merge = (answers, context) => {
  const stats: Stat[] = [];
  for (const { address, text } of answers) {
    for (const line of text.split("\r\n")) {
      const match = /^STAT (\S+) (.*)$/.exec(line);
      if (match?.[1] !== undefined) stats.push([`${formatAddress(address)}:${match[1]}`, match[2] ?? ""]);
    }
  }
  const isRefused = answers.length > 0 && answers.every(({ text }) => !text.endsWith("END\r\n") && !isOk({ text }));
  return isRefused ? formatReply(context, { code: "ERROR", flags: [] }) : formatStats(context, stats);
};
