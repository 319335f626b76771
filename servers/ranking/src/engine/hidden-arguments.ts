import type { Args } from "../protocol/args.ts";
import type { Command } from "./command.ts";
import type { Config } from "./config/config.ts";

const NONE: ReadonlySet<number> = new Set();

/** Which arguments of a call hold secrets, so that SLOWLOG and MONITOR must not show them. As in Redis. */
export function hiddenArguments(command: Command, args: Args, config: Config): ReadonlySet<number> {
  switch (command.name) {
    case "auth":
    case "acl|setuser":
    case "acl|getuser":
    case "acl|deluser":
      return range(command.name === "auth" ? 1 : 2, args.count);
    case "hello":
      return hiddenOfHello(args);
    case "config|set":
      return hiddenOfConfigSet(args, config);
    default:
      return NONE;
  }
}

function hiddenOfHello(args: Args): ReadonlySet<number> {
  const hidden = new Set<number>();
  for (let i = 2; i + 2 < args.count; i++) {
    if (!args.isWord(i, "AUTH")) continue;
    hidden.add(i + 1).add(i + 2);
    i += 2;
  }
  return hidden;
}

function hiddenOfConfigSet(args: Args, config: Config): ReadonlySet<number> {
  const hidden = new Set<number>();
  for (let i = 2; i + 1 < args.count; i += 2) if (config.isSecret(args.text(i))) hidden.add(i + 1);
  return hidden;
}

function range(first: number, end: number): ReadonlySet<number> {
  return new Set(Array.from({ length: Math.max(0, end - first) }, (_, i) => first + i));
}
