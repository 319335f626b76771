import type { Call } from "../call.ts";
import { readTimeMs, type TimeForm } from "../expiry-times.ts";
import { SYNTAX_ERROR } from "../replies.ts";

/** What SET and GETEX may be given behind their key and value. */
export interface ValueOptions {
  onlyNew: boolean;
  onlyOld: boolean;
  repliesOld: boolean;
  keepsExpiry: boolean;
  /** GETEX only: the key shall no longer expire. */
  persists: boolean;
  /** Which word the time stands behind: EX, PX, EXAT, PXAT, or none. */
  timeWord: TimeWord | undefined;
  /** The argument that is the time. */
  timeIndex: number;
}

type TimeWord = "EX" | "PX" | "EXAT" | "PXAT";

const TIME_WORDS: readonly TimeWord[] = ["EX", "PX", "EXAT", "PXAT"];
const TIME_FORMS: Readonly<Record<TimeWord, TimeForm>> = {
  EX: { isSeconds: true, isRelative: true },
  PX: { isSeconds: false, isRelative: true },
  EXAT: { isSeconds: true, isRelative: false },
  PXAT: { isSeconds: false, isRelative: false },
};

/**
 * Reads the options from argument `first` on. A time is not read yet, as Redis looks at the key first with GETEX.
 *
 * @returns `undefined`, and the error is replied, if one is unknown or excludes another.
 */
export function readValueOptions(call: Call, first: number, isSet: boolean): ValueOptions | undefined {
  const { args } = call;
  const options: ValueOptions = {
    onlyNew: false,
    onlyOld: false,
    repliesOld: false,
    keepsExpiry: false,
    persists: false,
    timeWord: undefined,
    timeIndex: 0,
  };
  for (let i = first; i < args.count; i++) {
    const hasNext = i + 1 < args.count;
    const timeWord = TIME_WORDS.find((word) => args.isWord(i, word));
    const isTimeFree = !options.keepsExpiry && !options.persists;
    if (isSet && args.isWord(i, "NX") && !options.onlyOld) options.onlyNew = true;
    else if (isSet && args.isWord(i, "XX") && !options.onlyNew) options.onlyOld = true;
    else if (isSet && args.isWord(i, "GET")) options.repliesOld = true;
    else if (isSet && args.isWord(i, "KEEPTTL") && options.timeWord === undefined) options.keepsExpiry = true;
    else if (!isSet && args.isWord(i, "PERSIST") && options.timeWord === undefined) options.persists = true;
    else if (timeWord !== undefined && hasNext && isTimeFree && (options.timeWord ?? timeWord) === timeWord) {
      options.timeWord = timeWord;
      options.timeIndex = ++i;
    } else {
      call.reply.error(SYNTAX_ERROR);
      return undefined;
    }
  }
  return options;
}

/** The time of the options in ms since 1970, -1 if there is none; `undefined`, and the error is replied, if it is none. */
export function optionTimeMs(call: Call, { timeWord, timeIndex }: ValueOptions): number | undefined {
  return timeWord === undefined ? -1 : readTimeMs(call, timeIndex, TIME_FORMS[timeWord], false);
}

/** Whether the options' time counts from 1970. */
export function hasAbsoluteTime({ timeWord }: ValueOptions): boolean {
  return timeWord === "EXAT" || timeWord === "PXAT";
}
