import type { Call } from "../call.ts";
import type { Handler } from "../command.ts";
import { CommandError, SYNTAX_ERROR } from "../replies.ts";
import { parseOffset } from "../structures/window-plan.ts";
import { MAX_ZONE_NAME_BYTES, type Zone, type ZoneRules, zoneCommand } from "../zones.ts";

const NO_ZONE =
  "ERR TZ must be an offset of at most 14 hours such as UTC+9 or -03:30, or the name of a time zone such as Asia/Tokyo";

/** What `TZ` says: the offset now, and the zone if it is one by name. */
export interface GivenZone {
  readonly offsetMs: number;
  readonly zone: Zone | undefined;
}

/**
 * The time zone in an argument. When nobody has named it before, its rules go into the log before the call.
 *
 * @throws CommandError if it is none.
 */
export function zoneAt(call: Call, index: number): GivenZone {
  const { args } = call;
  const text = index < args.count && args.sizeOf(index) <= MAX_ZONE_NAME_BYTES ? args.text(index) : "";
  const offsetMs = parseOffset(text);
  if (!Number.isNaN(offsetMs)) return { offsetMs, zone: undefined };
  const zone = call.store.zones.get(text) ?? adopt(call, text);
  return { offsetMs: zone.offsetAt(call.nowMs), zone };
}

function adopt(call: Call, name: string): Zone {
  const rules = rulesOf(call, name);
  const zone = define(call, rules);
  call.dirty++;
  const own = Array.from({ length: call.args.count }, (_, i) => call.args.copy(i));
  call.logInstead(zoneCommand(rules), own);
  return zone;
}

/** What the machine knows of a zone. A script that asks it is logged by what it did, for another machine may know other rules. */
function rulesOf(call: Call, name: string): ZoneRules {
  const { engine } = call;
  const rules = engine.isLogging && name !== "" ? engine.shell.zoneRules(name) : undefined;
  if (rules === undefined) throw new CommandError(NO_ZONE);
  engine.scripts?.noteForeign();
  return rules;
}

function define(call: Call, { name, rules }: ZoneRules): Zone {
  try {
    return call.store.zones.define(name, rules);
  } catch (error) {
    if (error instanceof RangeError) throw new CommandError(`ERR ${error.message}`);
    throw error;
  }
}

/**
 * `RANK.ZONE name`: takes the rules that the server's machine knows for a time zone now, also for boards and windows that
 * go by it already. The log has it with the rules behind the name.
 */
function zone(call: Call): void {
  const { args, reply, session } = call;
  if (args.count > 3) throw new CommandError(SYNTAX_ERROR);
  if (args.count === 3 && !session.isInternal) throw new CommandError("ERR rules are for the store's own files only");
  if (args.sizeOf(1) > MAX_ZONE_NAME_BYTES) throw new CommandError(NO_ZONE);
  const name = args.text(1);
  if (args.count === 3) define(call, { name, rules: args.text(2) });
  else {
    const rules = rulesOf(call, name);
    define(call, rules);
    call.logInstead(zoneCommand(rules));
  }
  call.dirty++;
  reply.ok();
}

/** The command of time zones. */
export const ZONE_HANDLERS: Readonly<Record<string, Handler>> = { "rank.zone": zone };
