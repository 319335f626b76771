import type { Args } from "../protocol/args.ts";
import {
  AclLog,
  bytesOfText,
  byteText,
  DENIED_CHANNEL,
  DENIED_COMMAND,
  denialArgument,
  denialKind,
} from "./acl/index.ts";
import { clientInfo } from "./client-info.ts";
import { type Command, CommandFlag } from "./command.ts";
import type { Config } from "./config/config.ts";
import { hiddenArguments } from "./hidden-arguments.ts";
import { HotKeys } from "./hot-keys.ts";
import { KeyWalk } from "./key-walk.ts";
import { LatencyMonitor } from "./latency-monitor.ts";
import type { Messenger } from "./messenger.ts";
import { quotedText } from "./quoted-text.ts";
import type { Session } from "./session.ts";
import type { Sessions } from "./sessions.ts";
import { SlowLog } from "./slow-log.ts";
import { Statistics } from "./statistics.ts";

/** Everything that is noted about what the engine does, and changes nothing of it. */
export class Observer {
  readonly statistics = new Statistics();
  readonly slowLog = new SlowLog();
  readonly latency = new LatencyMonitor();
  readonly aclLog = new AclLog();
  readonly hotKeys = new HotKeys();
  readonly keyWalk = new KeyWalk();
  /** Whether durations are counted by command: `latency-tracking`. */
  tracksLatency = true;
  /** Calls that take at least so long are worth a closer look, in µs: the lower one of two thresholds. */
  slowUs = Number.POSITIVE_INFINITY;
  #slowLogUs = -1;
  readonly #config: Config;
  readonly #sessions: Sessions;

  constructor(config: Config, sessions: Sessions) {
    this.#config = config;
    this.#sessions = sessions;
    const watch = (name: string, apply: (value: number) => void): void => {
      config.onChange(name, (value) => {
        apply(Number(value));
        return undefined;
      });
    };
    watch("slowlog-log-slower-than", (limitUs) => {
      this.#slowLogUs = limitUs;
      this.#setSlowUs();
    });
    watch("latency-monitor-threshold", (thresholdMs) => {
      this.latency.thresholdMs = thresholdMs;
      this.#setSlowUs();
    });
    watch("slowlog-max-len", (count) => {
      this.slowLog.maxLength = count;
    });
    watch("acllog-max-len", (count) => {
      this.aclLog.maxLength = count;
    });
    config.onChange("latency-tracking", (value) => {
      this.tracksLatency = value === "yes";
      return undefined;
    });
  }

  #setSlowUs(): void {
    const slow = this.#slowLogUs < 0 ? Number.POSITIVE_INFINITY : this.#slowLogUs;
    const late = this.latency.thresholdMs === 0 ? Number.POSITIVE_INFINITY : 1_000 * this.latency.thresholdMs;
    this.slowUs = Math.min(slow, late);
  }

  /** A call took at least {@link slowUs}. */
  noteSlow(session: Session, command: Command, args: Args, nowMs: number, durationUs: number): void {
    const event = (command.flags & CommandFlag.fast) !== 0 ? "fast-command" : "command";
    if (durationUs >= 1_000) this.latency.add(event, nowMs, durationUs / 1_000);
    const isLogged = (command.flags & CommandFlag.skipSlowlog) === 0;
    if (!isLogged || this.#slowLogUs < 0 || durationUs < this.#slowLogUs) return;
    const hidden = hiddenArguments(command, args, this.#config);
    this.slowLog.add(session, args, nowMs, Math.floor(durationUs), hidden);
  }

  /** Shows a call to the sessions that monitor. Administrative commands are not shown, as in Redis. */
  feedMonitors(session: Session, command: Command, args: Args, nowMs: number, messenger: Messenger): void {
    if ((command.flags & (CommandFlag.skipMonitor | CommandFlag.admin)) !== 0) return;
    const hidden = hiddenArguments(command, args, this.#config);
    const from = session.isInternal ? "lua" : session.address;
    const seconds = Math.floor(nowMs / 1_000);
    let line = `+${seconds}.${String(Math.floor(1_000 * (nowMs % 1_000))).padStart(6, "0")} [${session.database} ${from}]`;
    for (let i = 0; i < args.count; i++) {
      line += hidden.has(i) ? ' "(redacted)"' : ` ${quotedText(args.bytes, args.starts[i]!, args.ends[i]!)}`;
    }
    const bytes = bytesOfText(`${line}\r\n`);
    for (const monitor of this.#sessions.monitors) messenger.postpone(monitor, bytes);
  }

  /** A command was denied to a user. */
  noteDenial(denial: number, session: Session, command: Command, args: Args, nowMs: number, isNested = false): void {
    const kind = denialKind(denial);
    const at = denialArgument(denial);
    const { statistics } = this;
    if (kind === DENIED_COMMAND) statistics.deniedCommands++;
    else if (kind === DENIED_CHANNEL) statistics.deniedChannels++;
    else statistics.deniedKeys++;
    let reason: "command" | "key" | "channel" = "key";
    if (kind === DENIED_COMMAND) reason = "command";
    else if (kind === DENIED_CHANNEL) reason = "channel";
    let context: "toplevel" | "multi" | "lua" = session.isQueueing ? "multi" : "toplevel";
    if (isNested && session.isInternal) context = "lua";
    this.aclLog.add({
      reason,
      context,
      object: kind === DENIED_COMMAND ? command.name : byteText(args.bytes, args.starts[at]!, args.ends[at]!),
      username: session.user.name,
      clientInfo: clientInfo(session, nowMs),
      timeMs: nowMs,
    });
  }

  /** Somebody did not get in: a wrong password, or no such user. */
  noteWrongPassword(session: Session, username: string, args: Args, nowMs: number): void {
    this.statistics.deniedAuthentications++;
    this.aclLog.add({
      reason: "auth",
      context: session.isQueueing ? "multi" : "toplevel",
      object: args.text(0),
      username,
      clientInfo: clientInfo(session, nowMs),
      timeMs: nowMs,
    });
  }
}
