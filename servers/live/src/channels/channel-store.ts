import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import {
  equalSecret,
  FileError,
  hashSecret,
  randomToken,
  readJsonFile,
  type TokenKey,
  writeFileAtomic,
} from "@kagami/kit";
import { z } from "zod";
import { LiveError } from "../errors.ts";
import { CHANNEL_NAME_RULE, isChannelName } from "./channel-name.ts";
import { defaultPrivacy, type PrivacySettings, privacySettingsSchema } from "./privacy-settings.ts";

const channelSchema = z.strictObject({
  name: z.string(),
  title: z.string(),
  isPrivate: z.boolean(),
  /** SHA-256 of the stream key, which is random and long; the key itself is nowhere on disk. */
  keyHash: z.string(),
  createdAtMs: z.number(),
  /** Absent until it is set. */
  privacy: privacySettingsSchema.optional(),
});

const stateSchema = z.strictObject({
  /** 2 knows `privacy`. A file of version 1 is read as it is, and written as 2 with the next change. */
  version: z.union([z.literal(1), z.literal(2)]),
  operatorTokenHash: z.string(),
  playTokenKeys: z.array(z.strictObject({ id: z.string(), secret: z.string() })).min(1),
  channels: z.array(channelSchema),
});

type State = z.output<typeof stateSchema>;

/** What is known of a channel whether it is live or not. */
export interface ChannelSettings {
  readonly name: string;
  readonly title: string;
  readonly isPrivate: boolean;
  readonly createdAtMs: number;
  readonly privacy: PrivacySettings;
}

/** What may be changed of a channel; the rest stays. */
export interface ChannelChange {
  readonly title?: string | undefined;
  readonly isPrivate?: boolean | undefined;
  readonly privacy?: PrivacySettings | undefined;
}

export interface ChannelStoreOptions {
  /** Directory of the file `channels.json`; made if absent. */
  readonly directory: string;
  readonly channelLimit: number;
  /** Any key is its channel's public name; such channels are not written down. */
  readonly isOpenPublish: boolean;
  /** Empty makes one at first start. */
  readonly operatorToken: string;
  /** What a channel's privacy filter does upon failure, until it is set for the channel. */
  readonly privacyOnFailure: PrivacySettings["onFailure"];
  readonly nowMs: () => number;
}

/** The longest title, in characters. */
export const TITLE_LIMIT = 120;

const FILE_MODE = 0o600;

/**
 * Channels, their stream keys and the server's own secrets, in one small file that is replaced whole.
 *
 * Invariants: what is in memory is on disk before an answer says so; keys and the operator's token are stored as
 * digests; a stream key finds its channel by digest, so looking it up leaks nothing by time.
 */
export class ChannelStore {
  readonly #options: ChannelStoreOptions;
  readonly #path: string;
  #state: State;
  #byKeyHash = new Map<string, State["channels"][number]>();
  #byName = new Map<string, State["channels"][number]>();
  readonly #open = new Map<string, ChannelSettings>();
  /** Of open channels; kept when nobody publishes any more, so that the next broadcast is protected as well. */
  readonly #openPrivacy = new Map<string, PrivacySettings>();
  readonly #defaultPrivacy: PrivacySettings;
  #writing: Promise<void> = Promise.resolve();

  private constructor(options: ChannelStoreOptions, path: string, state: State) {
    this.#options = options;
    this.#defaultPrivacy = defaultPrivacy(options.privacyOnFailure);
    this.#path = path;
    this.#state = state;
    this.#index();
  }

  /**
   * Opens the file, or makes it with fresh secrets.
   *
   * @returns The store, and the operator's token if one was just made: it cannot be read again.
   * @throws FileError if the file is there and cannot be used.
   */
  static async open(options: ChannelStoreOptions): Promise<{ store: ChannelStore; newOperatorToken?: string }> {
    await mkdir(options.directory, { recursive: true });
    const path = join(options.directory, "channels.json");
    const found = await readJsonFile(path, stateSchema).catch((error: unknown) => {
      if (error instanceof FileError && error.code === "FILE_MISSING") return undefined;
      throw error;
    });
    const given = options.operatorToken;
    if (found) {
      const operatorTokenHash = given === "" ? found.operatorTokenHash : hashSecret(given);
      return { store: new ChannelStore(options, path, { ...found, operatorTokenHash }) };
    }
    const token = given === "" ? randomToken() : given;
    const playTokenKeys = [{ id: "1", secret: randomToken() }];
    const state: State = { version: 2, operatorTokenHash: hashSecret(token), playTokenKeys, channels: [] };
    const store = new ChannelStore(options, path, state);
    await store.#save(state);
    return given === "" ? { store, newOperatorToken: token } : { store };
  }

  get isOpenPublish(): boolean {
    return this.#options.isOpenPublish;
  }

  /** Keys that sign play tokens, the newest first. */
  get playTokenKeys(): readonly [TokenKey, ...TokenKey[]] {
    return this.#state.playTokenKeys as [TokenKey, ...TokenKey[]];
  }

  isOperator(token: string): boolean {
    return equalSecret(hashSecret(token), this.#state.operatorTokenHash);
  }

  list(): ChannelSettings[] {
    const open = [...this.#open.values()].map((settings) => this.#withPrivacy(settings));
    return [...this.#state.channels.map((channel) => this.#settingsOf(channel)), ...open];
  }

  /** In open-publish mode every name that can be one is a channel. */
  find(name: string): ChannelSettings | undefined {
    const channel = this.#byName.get(name);
    if (channel) return this.#settingsOf(channel);
    if (!this.isOpenPublish || !isChannelName(name)) return undefined;
    const fresh = { name, title: name, isPrivate: false, createdAtMs: this.#options.nowMs() };
    return this.#withPrivacy(this.#open.get(name) ?? fresh);
  }

  /** The channel that a stream key publishes to; in open-publish mode the key is its name. */
  findByKey(key: string): ChannelSettings | undefined {
    const channel = this.#byKeyHash.get(hashSecret(key));
    if (channel) return this.#settingsOf(channel);
    return this.#byName.has(key) ? undefined : this.find(key);
  }

  /** In open-publish mode, lists a channel from now on; there may be as many as other channels. */
  rememberOpen(settings: ChannelSettings): void {
    if (this.#byName.has(settings.name)) return;
    if (this.#open.has(settings.name) || this.#open.size < this.#options.channelLimit) {
      this.#open.set(settings.name, settings);
    }
  }

  /** In open-publish mode, forgets a channel that nobody publishes to or watches any more. */
  forgetOpen(name: string): void {
    this.#open.delete(name);
  }

  /** @returns the stream key, which is shown this once. */
  async create(channel: { name: string; title: string; isPrivate: boolean }): Promise<string> {
    const { name } = channel;
    if (!isChannelName(name)) {
      throw new LiveError("CHANNEL_NAME_INVALID", `Cannot create channel "${name}": a name is ${CHANNEL_NAME_RULE}`);
    }
    if (this.#byName.has(name)) {
      throw new LiveError("CHANNEL_EXISTS", `Cannot create channel "${name}": it exists. Rotate its key instead`);
    }
    if (this.#state.channels.length >= this.#options.channelLimit) {
      const message = `Cannot create channel "${name}": the limit of ${this.#options.channelLimit} is reached. Delete one, or raise --channel-limit`;
      throw new LiveError("CHANNEL_LIMIT", message);
    }
    const key = newStreamKey();
    const made = { ...channel, keyHash: hashSecret(key), createdAtMs: this.#options.nowMs() };
    await this.#save({ ...this.#state, channels: [...this.#state.channels, made] });
    return key;
  }

  /** @throws LiveError `CHANNEL_NOT_FOUND`, `CHANNEL_LIMIT` */
  async update(name: string, change: ChannelChange): Promise<void> {
    if (!this.#byName.has(name)) {
      const open = this.find(name);
      if (!open) throw notFound(name);
      if (change.privacy) this.#rememberPrivacy(name, change.privacy);
      this.rememberOpen(changed(open, change));
      return;
    }
    await this.#replace(name, (channel) => changed(channel, change));
  }

  /** @returns the new stream key, which is shown this once; the old one ends at once. */
  async rotateKey(name: string): Promise<string> {
    if (!this.#byName.has(name) && this.find(name)) {
      throw new LiveError("OPEN_PUBLISH", "Cannot rotate the key: in open-publish mode the key is the channel's name");
    }
    const key = newStreamKey();
    await this.#replace(name, (channel) => ({ ...channel, keyHash: hashSecret(key) }));
    return key;
  }

  async delete(name: string): Promise<void> {
    this.#openPrivacy.delete(name);
    if (this.#open.delete(name)) return;
    if (!this.#byName.has(name)) throw notFound(name);
    await this.#save({ ...this.#state, channels: this.#state.channels.filter((channel) => channel.name !== name) });
  }

  async #replace(
    name: string,
    change: (channel: State["channels"][number]) => State["channels"][number],
  ): Promise<void> {
    if (!this.#byName.has(name)) throw notFound(name);
    const channels = this.#state.channels.map((channel) => (channel.name === name ? change(channel) : channel));
    await this.#save({ ...this.#state, channels });
  }

  #rememberPrivacy(name: string, privacy: PrivacySettings): void {
    const { channelLimit } = this.#options;
    if (!this.#openPrivacy.has(name) && this.#openPrivacy.size >= channelLimit) {
      const message = `Cannot keep the privacy settings of "${name}": the limit of ${channelLimit} channels is reached. Raise --channel-limit`;
      throw new LiveError("CHANNEL_LIMIT", message);
    }
    this.#openPrivacy.set(name, privacy);
  }

  #withPrivacy(open: Omit<ChannelSettings, "privacy">): ChannelSettings {
    return { ...open, privacy: this.#openPrivacy.get(open.name) ?? this.#defaultPrivacy };
  }

  #settingsOf({ name, title, isPrivate, createdAtMs, privacy }: State["channels"][number]): ChannelSettings {
    return { name, title, isPrivate, createdAtMs, privacy: privacy ?? this.#defaultPrivacy };
  }

  /** Writes one after another; memory follows disk, and stays as it was if the disk refuses. */
  #save(changedState: State): Promise<void> {
    const state: State = { ...changedState, version: 2 };
    const before = this.#state;
    this.#state = state;
    this.#index();
    const write = this.#writing.then(() =>
      writeFileAtomic(this.#path, `${JSON.stringify(state, null, 2)}\n`, FILE_MODE),
    );
    this.#writing = write.catch(() => {
      if (this.#state !== state) return;
      this.#state = before;
      this.#index();
    });
    return write;
  }

  #index(): void {
    this.#byName = new Map(this.#state.channels.map((channel) => [channel.name, channel]));
    this.#byKeyHash = new Map(this.#state.channels.map((channel) => [channel.keyHash, channel]));
  }
}

/** 160 bits; the prefix lets people and secret scanners see what it is. */
function newStreamKey(): string {
  return `sk_${randomToken(20)}`;
}

function changed<Channel extends object>(channel: Channel, change: ChannelChange): Channel {
  const given = Object.entries(change).filter(([, value]) => value !== undefined);
  return { ...channel, ...Object.fromEntries(given) };
}

function notFound(name: string): LiveError {
  return new LiveError("CHANNEL_NOT_FOUND", `There is no channel "${name}"`);
}
