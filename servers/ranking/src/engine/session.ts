import type { Args } from "../protocol/args.ts";
import type { ReplyWriter } from "../protocol/reply-writer.ts";
import type { User } from "./acl/index.ts";
import type { Command } from "./command.ts";

/** Messages from this size on are not copied for each receiver. */
export const KEPT_WHOLE_BYTES = 16_384;

/** What the engine tells of a session goes out through this; the shell has a socket behind it. */
export interface SessionOutput {
  /**
   * Bytes for this session outside of a reply to its own command: messages, replies to what had waited. They are good
   * during the call only, but for {@link KEPT_WHOLE_BYTES} or more, which nobody may change any more.
   */
  send(bytes: Uint8Array): void;
  /** The session waits for nothing any more and may be given commands again. */
  resume?(): void;
  /** Closes the connection, after what was sent. */
  close(): void;
}

/** What a connection has in its buffers, in bytes; the shell knows. */
export interface SessionBuffers {
  readonly inputBytes: number;
  readonly inputFreeBytes: number;
  readonly outputBytes: number;
}

/** Whether the replies of a session are sent: CLIENT REPLY. */
export const ReplyMode = {
  on: 0,
  off: 1,
  /** The command that runs now has no reply. */
  skip: 2,
  /** The next one has none. */
  skipNext: 3,
} as const;

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
  /** Where the client is and where it connected to, as `ip:port`. */
  address = "";
  localAddress = "";
  /** When it connected, and when it sent its last command, in ms since 1970. */
  createdMs = 0;
  activeMs = 0;
  lastCommand: Command | undefined;
  /** One of `ReplyMode`. */
  replyMode: number = ReplyMode.on;
  /** CLIENT NO-EVICT. */
  isNoEvict = false;
  isMonitoring = false;
  /** Set by the shell. */
  buffers: SessionBuffers | undefined;

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

/** CLIENT REPLY: takes back the reply that begins at `start` if the session wants none. */
export function settleReplyMode(session: Session, reply: ReplyWriter, start: number): void {
  switch (session.replyMode) {
    case ReplyMode.skipNext:
      session.replyMode = ReplyMode.skip;
      break;
    case ReplyMode.skip:
      session.replyMode = ReplyMode.on;
      break;
    default:
  }
  reply.rewind(start);
}
