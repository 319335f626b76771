import type { Args } from "../../protocol/args.ts";
import type { ReplyWriter } from "../../protocol/reply-writer.ts";
import { bytesOfText } from "../acl/index.ts";
import type { Call } from "../call.ts";
import type { Handler } from "../command.ts";
import { matchesGlob } from "../glob.ts";
import type { TopicKind } from "../pubsub.ts";
import type { Session } from "../session.ts";

/** How many topics the reply to a subscription tells: shard channels are counted apart. */
function toldCount(kind: TopicKind, session: Session): number {
  return kind === "shard" ? session.shardChannelCount : session.subscriptionCount - session.shardChannelCount;
}

function tell(reply: ReplyWriter, word: string, name: string | undefined, count: number): void {
  reply.push(3);
  reply.bulkText(word);
  if (name === undefined) reply.nil();
  else reply.bulkText(name);
  reply.integer(count);
}

function subscribing(kind: TopicKind, word: string): Handler {
  return ({ args, engine, reply, session }) => {
    // Redis lets the older two into a transaction, though their replies do not fit into EXEC's.
    if (kind === "shard" && engine.isNested) {
      reply.error("ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client");
      return;
    }
    const names = textsFrom(args, 1);
    const added = new Set(names.filter((name) => !engine.pubsub.of(kind).has(session, name)));
    const nameBytes = [...added].reduce((sum, name) => sum + name.length, 0);
    const refusal = engine.pubsub.refusal(session, added.size, nameBytes);
    if (refusal !== "") {
      reply.error(refusal);
      return;
    }
    for (const name of names) {
      engine.pubsub.subscribe(kind, session, name);
      tell(reply, word, name, toldCount(kind, session));
    }
  };
}

function unsubscribing(kind: TopicKind, word: string): Handler {
  return ({ args, engine, reply, session }) => {
    const names = args.count > 1 ? textsFrom(args, 1) : [...engine.pubsub.of(kind).namesOf(session)];
    if (names.length === 0) tell(reply, word, undefined, toldCount(kind, session));
    for (const name of names) {
      engine.pubsub.unsubscribe(kind, session, name);
      tell(reply, word, name, toldCount(kind, session));
    }
  };
}

function textsFrom(args: Args, first: number): string[] {
  return Array.from({ length: args.count - first }, (_, i) => args.text(first + i));
}

// A message changes nothing, so it is not put into the log.

function publish({ args, engine, reply }: Call): void {
  reply.integer(engine.pubsub.isSilent ? 0 : engine.pubsub.publish(args.text(1), args.view(2)));
}

function publishToShard({ args, engine, reply }: Call): void {
  reply.integer(engine.pubsub.publishToShard(args.text(1), args.view(2)));
}

function listing(kind: TopicKind): Handler {
  return ({ args, command, engine, reply }) => {
    if (args.count > 3) {
      reply.error(
        `ERR unknown subcommand or wrong number of arguments for '${args.text(1).slice(0, 128)}'. ` +
          `Try ${command.name.split("|")[0]?.toUpperCase()} HELP.`,
      );
      return;
    }
    const pattern = args.count > 2 ? bytesOfText(args.text(2)) : undefined;
    const found: Uint8Array[] = [];
    for (const { bytes } of engine.pubsub.of(kind).topics()) {
      if (pattern === undefined || matchesGlob(pattern, 0, pattern.length, bytes, 0, bytes.length, false)) {
        found.push(bytes);
      }
    }
    reply.array(found.length);
    for (const bytes of found) reply.bulkBytes(bytes);
  };
}

function counting(kind: TopicKind): Handler {
  return ({ args, engine, reply }) => {
    reply.array(2 * (args.count - 2));
    for (let i = 2; i < args.count; i++) {
      reply.bulk(args.bytes, args.starts[i]!, args.ends[i]!);
      reply.integer(engine.pubsub.of(kind).find(args.text(i))?.sessions.size ?? 0);
    }
  };
}

function patternCount({ engine, reply }: Call): void {
  reply.integer(engine.pubsub.of("pattern").size);
}

const HELP = [
  "PUBSUB <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
  "CHANNELS [<pattern>]",
  "    Lists the channels with listeners, all or those that match the pattern.",
  "NUMPAT",
  "    Counts the patterns that are listened to.",
  "NUMSUB [<channel> ...]",
  "    Counts the listeners of these channels, without those of patterns.",
  "SHARDCHANNELS [<pattern>]",
  "    Lists the shard channels with listeners, all or those that match the pattern.",
  "SHARDNUMSUB [<shardchannel> ...]",
  "    Counts the listeners of these shard channels.",
  "HELP",
  "    Prints this help.",
];

function help({ reply }: Call): void {
  reply.array(HELP.length);
  for (const line of HELP) reply.simple(line);
}

/** Commands of channels. */
export const PUBSUB_HANDLERS: Readonly<Record<string, Handler>> = {
  subscribe: subscribing("channel", "subscribe"),
  psubscribe: subscribing("pattern", "psubscribe"),
  ssubscribe: subscribing("shard", "ssubscribe"),
  unsubscribe: unsubscribing("channel", "unsubscribe"),
  punsubscribe: unsubscribing("pattern", "punsubscribe"),
  sunsubscribe: unsubscribing("shard", "sunsubscribe"),
  publish,
  spublish: publishToShard,
  "pubsub|channels": listing("channel"),
  "pubsub|shardchannels": listing("shard"),
  "pubsub|numsub": counting("channel"),
  "pubsub|shardnumsub": counting("shard"),
  "pubsub|numpat": patternCount,
  "pubsub|help": help,
};
