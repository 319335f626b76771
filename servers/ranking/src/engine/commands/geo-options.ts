import type { Call } from "../call.ts";
import type { GeoShape } from "../geo/geo-shape.ts";
import type { Place } from "../geo/geohash.ts";
import { SYNTAX_ERROR } from "../replies.ts";
import type { SortedSet } from "../structures/sorted-set.ts";
import { placeAt, placeOfMember, unitAt } from "./geo-arguments.ts";

/** Which of the commands it is: how its arguments stand. */
export interface SearchForm {
  readonly kind: "radius" | "radius-by-member" | "search";
  /** Argument of the key that is searched, and the first one that is an option. */
  readonly sourceAt: number;
  readonly optionsAt: number;
  /** Whether it stores, or may be asked to. */
  readonly mayStore: boolean;
}

/** What is looked for, and how it is replied. */
export interface GeoQuery {
  /** `undefined` if there is nothing to search. */
  readonly shape: GeoShape | undefined;
  /** Metres of the unit that was given. */
  readonly metres: number;
  readonly withDistance: boolean;
  readonly withHash: boolean;
  readonly withPlace: boolean;
  /** 1 the nearest first, -1 the farthest, 0 as they are found. */
  readonly order: -1 | 0 | 1;
  /** Members at most, 0 is all. */
  readonly count: number;
  readonly any: boolean;
  /** Argument of the key under which it is stored, or 0. */
  readonly storeAt: number;
  readonly storesDistance: boolean;
  readonly event: string;
}

const UNDECODABLE = "ERR could not decode requested zset member";

/** The arguments; `undefined`, and the error is replied, if they cannot be. `set` is `undefined` if there is no such key. */
export function readQuery(call: Call, form: SearchForm, set: SortedSet | undefined): GeoQuery | undefined {
  const reader = new QueryReader(call, form, set);
  return reader.readHead() && reader.readOptions() && reader.isComplete() ? reader.query : undefined;
}

/** Sizes as they were given, in the unit `metres`. */
type Size = { readonly radius: number } | { readonly width: number; readonly height: number };

class QueryReader {
  readonly #call: Call;
  readonly #form: SearchForm;
  readonly #set: SortedSet | undefined;
  #center: Place | undefined;
  #size: Size | undefined;
  #metres = 1;
  #hasMember = false;
  #hasPlace = false;
  #isCircle = false;
  #isBox = false;
  #withDistance = false;
  #withHash = false;
  #withPlace = false;
  #order: -1 | 0 | 1 = 0;
  #count = 0;
  #any = false;
  #storeAt = 0;
  #storesDistance = false;

  constructor(call: Call, form: SearchForm, set: SortedSet | undefined) {
    this.#call = call;
    this.#form = form;
    this.#set = set;
    if (form.kind === "search" && form.mayStore) this.#storeAt = 1;
  }

  get query(): GeoQuery {
    return {
      shape: this.#shape,
      metres: this.#metres,
      withDistance: this.#withDistance,
      withHash: this.#withHash,
      withPlace: this.#withPlace,
      order: this.#order,
      count: this.#count,
      any: this.#any,
      storeAt: this.#storeAt,
      storesDistance: this.#storesDistance,
      event: this.#form.kind === "search" ? "geosearchstore" : "georadiusstore",
    };
  }

  get #shape(): GeoShape | undefined {
    const [center, size, metres] = [this.#center, this.#size, this.#metres];
    if (center === undefined || size === undefined) return undefined;
    if ("radius" in size) return { center, radius: size.radius * metres };
    return { center, width: size.width * metres, height: size.height * metres };
  }

  #fail(error: string): false {
    this.#call.reply.error(error);
    return false;
  }

  /** What stands before the options. */
  readHead(): boolean {
    const { kind } = this.#form;
    if (kind === "search") return true;
    if (kind === "radius") return this.#readPlace(2) && this.#readRadius(4);
    // Without the key nothing of it is looked at, as in Redis.
    return this.#set === undefined || (this.#readMember(2) && this.#readRadius(3));
  }

  #readPlace(index: number): boolean {
    this.#center = placeAt(this.#call, index);
    return this.#center !== undefined;
  }

  #readMember(index: number): boolean {
    if (this.#set === undefined) return true;
    this.#center = placeOfMember(this.#call, this.#set, index);
    return this.#center !== undefined || this.#fail(UNDECODABLE);
  }

  #readRadius(index: number): boolean {
    const call = this.#call;
    const radius = call.double(index, "ERR need numeric radius");
    if (Number.isNaN(radius)) return false;
    if (radius < 0) return this.#fail("ERR radius cannot be negative");
    this.#metres = unitAt(call, index + 1);
    this.#size = { radius };
    return !Number.isNaN(this.#metres);
  }

  #readBox(index: number): boolean {
    const call = this.#call;
    const width = call.double(index, "ERR need numeric width");
    if (Number.isNaN(width)) return false;
    const height = call.double(index + 1, "ERR need numeric height");
    if (Number.isNaN(height)) return false;
    if (height < 0 || width < 0) return this.#fail("ERR height or width cannot be negative");
    this.#metres = unitAt(call, index + 2);
    this.#size = { width, height };
    return !Number.isNaN(this.#metres);
  }

  readOptions(): boolean {
    const { count } = this.#call.args;
    for (let i = this.#form.optionsAt; i < count; ) {
      const taken = this.#readFlag(i) || this.#readValued(i, count - i - 1);
      if (taken < 0) return false;
      if (taken === 0) return this.#fail(SYNTAX_ERROR);
      i += taken;
    }
    return true;
  }

  /** Returns how many arguments the option has, 1 or, if it is none of these, 0. */
  #readFlag(index: number): number {
    const { args } = this.#call;
    const { kind, mayStore } = this.#form;
    if (args.isWord(index, "WITHDIST")) this.#withDistance = true;
    else if (args.isWord(index, "WITHHASH")) this.#withHash = true;
    else if (args.isWord(index, "WITHCOORD")) this.#withPlace = true;
    else if (args.isWord(index, "ANY")) this.#any = true;
    else if (args.isWord(index, "ASC")) this.#order = 1;
    else if (args.isWord(index, "DESC")) this.#order = -1;
    else if (kind === "search" && mayStore && args.isWord(index, "STOREDIST")) this.#storesDistance = true;
    else return 0;
    return 1;
  }

  /** As {@link readFlag}, of options with `following` arguments behind them; -1 if an error was replied. */
  #readValued(index: number, following: number): number {
    const { args } = this.#call;
    const { kind, mayStore } = this.#form;
    if (following < 1) return 0;
    if (args.isWord(index, "COUNT")) return this.#readCount(index + 1) ? 2 : -1;
    if (kind === "search") return this.#readSearch(index, following);
    const storesDistance = args.isWord(index, "STOREDIST");
    if (!mayStore || !(storesDistance || args.isWord(index, "STORE"))) return 0;
    this.#storeAt = index + 1;
    this.#storesDistance = storesDistance;
    return 2;
  }

  #readCount(index: number): boolean {
    const count = this.#call.integer(index);
    if (Number.isNaN(count)) return false;
    this.#count = count;
    return count > 0 || this.#fail("ERR COUNT must be > 0");
  }

  #readSearch(index: number, following: number): number {
    const { args } = this.#call;
    const then = (isRight: boolean, taken: number): number => (isRight ? taken : -1);
    if (args.isWord(index, "FROMMEMBER") && !this.#hasPlace) {
      this.#hasMember = true;
      return then(this.#readMember(index + 1), 2);
    }
    if (args.isWord(index, "FROMLONLAT") && following >= 2 && !this.#hasMember) {
      this.#hasPlace = true;
      return then(this.#readPlace(index + 1), 3);
    }
    if (args.isWord(index, "BYRADIUS") && following >= 2 && !this.#isBox) {
      this.#isCircle = true;
      return then(this.#readRadius(index + 1), 3);
    }
    if (args.isWord(index, "BYBOX") && following >= 3 && !this.#isCircle) {
      this.#isBox = true;
      return then(this.#readBox(index + 1), 4);
    }
    return 0;
  }

  /** Whether the options go together. */
  isComplete(): boolean {
    const { args } = this.#call;
    const isSearch = this.#form.kind === "search";
    if (this.#storeAt !== 0 && (this.#withDistance || this.#withHash || this.#withPlace)) {
      const what = isSearch ? "GEOSEARCHSTORE" : "STORE option in GEORADIUS";
      return this.#fail(`ERR ${what} is not compatible with WITHDIST, WITHHASH and WITHCOORD options`);
    }
    if (isSearch && !this.#hasMember && !this.#hasPlace) {
      return this.#fail(`ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for ${args.text(0)}`);
    }
    if (isSearch && !this.#isCircle && !this.#isBox) {
      return this.#fail(`ERR exactly one of BYRADIUS and BYBOX can be specified for ${args.text(0)}`);
    }
    return !this.#any || this.#count > 0 || this.#fail("ERR the ANY argument requires COUNT argument");
  }
}
