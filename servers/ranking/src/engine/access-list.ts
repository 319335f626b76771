import type { Args } from "../protocol/args.ts";
import { type AccessList, READ_ACCESS, WRITE_ACCESS } from "./acl/index.ts";
import { type CommandFacts, KeyFlag, KeyPositions, keysOf, mayHaveKeys } from "./commands/index.ts";

const CHANNEL_COMMANDS: ReadonlyMap<string, { first: number; only: boolean; isPattern: boolean }> = new Map([
  ["publish", { first: 1, only: true, isPattern: false }],
  ["spublish", { first: 1, only: true, isPattern: false }],
  ["subscribe", { first: 1, only: false, isPattern: false }],
  ["ssubscribe", { first: 1, only: false, isPattern: false }],
  ["psubscribe", { first: 1, only: false, isPattern: true }],
]);

/** Which keys and channels one call uses, and how; filled again for each call. */
export class CallAccess implements AccessList {
  keyCount = 0;
  keys: Int32Array = new Int32Array(16);
  keyAccess: Uint8Array = new Uint8Array(16);
  channelCount = 0;
  channels: Int32Array = new Int32Array(4);
  channelIsPattern: Uint8Array = new Uint8Array(4);
  readonly #positions = new KeyPositions();

  find(facts: CommandFacts, args: Args): void {
    this.keyCount = 0;
    this.channelCount = 0;
    if (mayHaveKeys(facts)) this.#findKeys(facts, args);
    const channels = CHANNEL_COMMANDS.get(facts.name);
    if (channels !== undefined)
      this.#addChannels(channels.first, channels.only ? channels.first : args.count - 1, channels.isPattern);
  }

  #findKeys(facts: CommandFacts, args: Args): void {
    const positions = this.#positions;
    const count = keysOf(facts, args, positions);
    if (count > this.keys.length) {
      this.keys = new Int32Array(2 * count);
      this.keyAccess = new Uint8Array(2 * count);
    }
    for (let i = 0; i < count; i++) {
      const flags = positions.flags[i]!;
      this.keys[i] = positions.positions[i]!;
      const reads = (flags & KeyFlag.access) !== 0 ? READ_ACCESS : 0;
      const writes = (flags & (KeyFlag.insert | KeyFlag.delete | KeyFlag.update)) !== 0 ? WRITE_ACCESS : 0;
      this.keyAccess[i] = reads | writes;
    }
    this.keyCount = count;
  }

  #addChannels(first: number, last: number, isPattern: boolean): void {
    const count = last - first + 1;
    if (count > this.channels.length) {
      this.channels = new Int32Array(2 * count);
      this.channelIsPattern = new Uint8Array(2 * count);
    }
    for (let i = 0; i < count; i++) {
      this.channels[i] = first + i;
      this.channelIsPattern[i] = isPattern ? 1 : 0;
    }
    this.channelCount = count;
  }
}
