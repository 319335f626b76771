import type { Args } from "../protocol/args.ts";
import type { User } from "./acl/index.ts";
import type { Command } from "./command.ts";

/** What the engine tells of a session goes out through this; the shell has a socket behind it. */
export interface SessionOutput {
  /** Bytes for this session outside of a reply to its own command: messages, replies to what had waited. */
  send(bytes: Uint8Array): void;
  /** Closes the connection, after what was sent. */
  close(): void;
}

/** A command that waits for EXEC. */
export interface QueuedCommand {
  readonly command: Command;
  readonly args: Args;
}

/** One client as the engine sees it. Owns no socket. */
export class Session {
  readonly id: number;
  readonly output: SessionOutput;
  /** Database that SELECT chose. */
  database = 0;
  /** 2 or 3. */
  resp = 2;
  name = "";
  user: User;
  isAuthenticated: boolean;
  /** Between MULTI and EXEC. */
  isQueueing = false;
  /** EXEC must fail: a command could not be queued. */
  hasQueueFailed = false;
  /** EXEC must reply nil: a watched key has changed. */
  isWatchBroken = false;
  queue: QueuedCommand[] = [];
  /** Bytes of the arguments in {@link queue}. */
  queuedBytes = 0;
  /** `CommandFlag`s of all commands in {@link queue}. */
  queuedFlags = 0;
  /** Is the log being read again, or a script: rights were checked before, limits do not hold. */
  readonly isInternal: boolean;
  /** Waits for a key; the shell must not give it another command. */
  isBlocked = false;
  /** Subscriptions of all kinds. */
  subscriptionCount = 0;
  /** Of {@link subscriptionCount}, those of patterns and those of shard channels. */
  patternCount = 0;
  shardChannelCount = 0;
  /** QUIT was answered, or it must be closed for another reason when its output is out. */
  isClosing = false;

  constructor(
    id: number,
    output: SessionOutput,
    user: User,
    options: { isInternal?: boolean; isAuthenticated?: boolean } = {},
  ) {
    this.id = id;
    this.output = output;
    this.user = user;
    this.isInternal = options.isInternal ?? false;
    this.isAuthenticated = options.isAuthenticated ?? true;
  }
}
