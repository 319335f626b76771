import { encodeCommand, RedisConnection } from "../redis-connection.ts";
import { parseReply, textsOf } from "../reply.ts";
import { isSame } from "./compare.ts";
import type { Address } from "./player.ts";
import type { Words } from "./step.ts";

const DATABASES = ["0", "1", "2"] as const;
const READERS: ReadonlyMap<string, (key: string) => Words> = new Map([
  ["string", (key: string) => ["GET", key]],
  ["list", (key: string) => ["LRANGE", key, "0", "-1"]],
  ["set", (key: string) => ["SMEMBERS", key]],
  ["zset", (key: string) => ["ZRANGE", key, "0", "-1", "WITHSCORES"]],
  ["hash", (key: string) => ["HGETALL", key]],
]);

interface Entry {
  readonly words: Words;
  readonly bytes: Buffer;
}

/**
 * Compares all keys, types, values and expiries of two servers, in the databases that generators use.
 *
 * @returns the first difference in words, or `undefined`.
 */
export async function stateDifference(ours: Address, theirs: Address): Promise<string | undefined> {
  const [ourState, theirState] = await Promise.all([stateOf(ours), stateOf(theirs)]);
  for (const name of new Set([...ourState.keys(), ...theirState.keys()])) {
    const our = ourState.get(name);
    const their = theirState.get(name);
    if (our === undefined || their === undefined) {
      return `${name} is only on ${our === undefined ? "their" : "our"} side`;
    }
    if (our.words.join() !== their.words.join() || !isSame(our.words, our.bytes, their.bytes)) {
      return `${name}: ours ${JSON.stringify(our.bytes.toString("latin1"))}, theirs ${JSON.stringify(their.bytes.toString("latin1"))}`;
    }
  }
  return undefined;
}

async function stateOf({ host, port }: Address): Promise<Map<string, Entry>> {
  const connection = await RedisConnection.open(port, host);
  const state = new Map<string, Entry>();
  try {
    for (const database of DATABASES) {
      await connection.call("SELECT", database);
      const keys = textsOf(await connection.call("KEYS", "*")).map(String);
      if (keys.length === 0) continue;
      const types = (
        await ask(
          connection,
          keys.map((key) => ["TYPE", key]),
        )
      ).map(({ bytes }) => parseReply(bytes));
      const reads = keys.map((key, i): Words => {
        const type = types[i];
        return READERS.get(type !== undefined && "text" in type ? type.text : "")?.(key) ?? ["TYPE", key];
      });
      const values = await ask(connection, reads);
      const expiries = await ask(
        connection,
        keys.map((key) => ["PEXPIRETIME", key]),
      );
      for (const [i, key] of keys.entries()) {
        state.set(`${JSON.stringify(key)} of database ${database}`, values[i] as Entry);
        state.set(`The expiry of ${JSON.stringify(key)} of database ${database}`, expiries[i] as Entry);
      }
    }
  } finally {
    await connection.close();
  }
  return state;
}

async function ask(connection: RedisConnection, commands: readonly Words[]): Promise<Entry[]> {
  const wire = Buffer.concat(commands.map((words) => encodeCommand(words)));
  const replies = await connection.exchange(wire, commands.length);
  return commands.map((words, i) => ({ words, bytes: replies[i] as Buffer }));
}
