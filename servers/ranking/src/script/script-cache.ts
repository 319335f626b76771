import type { ScriptFlag } from "./shebang.ts";

/** A script that was compiled once. */
export interface CachedScript {
  readonly sha: string;
  readonly source: Uint8Array;
  readonly flags: readonly ScriptFlag[] | undefined;
  /** By SCRIPT LOAD: never dropped but by SCRIPT FLUSH. */
  isLoaded: boolean;
}

/** Limits of the script cache. */
export interface ScriptCacheLimits {
  /** Scripts that came by EVAL; the one used longest ago goes first. Redis 7.4 keeps 500, Redis 7.0 all. */
  readonly evalScriptCount: number;
  /** Bytes of all sources together. */
  readonly sourceBytes: number;
}

/** Scripts by their SHA-1. Those of EVAL go when there are too many; those of SCRIPT LOAD stay. */
export class ScriptCache {
  readonly #limits: ScriptCacheLimits;
  readonly #onDrop: (sha: string) => void;
  readonly #loaded = new Map<string, CachedScript>();
  readonly #evaluated = new Map<string, CachedScript>(); // in order of use
  #bytes = 0;

  constructor(limits: ScriptCacheLimits, onDrop: (sha: string) => void) {
    this.#limits = limits;
    this.#onDrop = onDrop;
  }

  get count(): number {
    return this.#loaded.size + this.#evaluated.size;
  }

  /** Of the sources. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Finds a script, without counting it as used. */
  peek(sha: string): CachedScript | undefined {
    return this.#loaded.get(sha) ?? this.#evaluated.get(sha);
  }

  /** Finds a script and counts it as used. */
  use(sha: string): CachedScript | undefined {
    const script = this.#evaluated.get(sha);
    if (script === undefined) return this.#loaded.get(sha);
    this.#evaluated.delete(sha);
    this.#evaluated.set(sha, script);
    return script;
  }

  /** Keeps a script from now on until SCRIPT FLUSH. */
  pin(script: CachedScript): void {
    if (script.isLoaded) return;
    script.isLoaded = true;
    this.#evaluated.delete(script.sha);
    this.#loaded.set(script.sha, script);
  }

  /** Adds a new script; answers false, and adds nothing, if loaded scripts leave it no room. */
  add(script: CachedScript): boolean {
    while (this.#evaluated.size > 0 && this.#bytes + script.source.length > this.#limits.sourceBytes)
      this.#dropOldest();
    if (this.#bytes + script.source.length > this.#limits.sourceBytes) return false;
    if (!script.isLoaded && this.#evaluated.size >= this.#limits.evalScriptCount) this.#dropOldest();
    (script.isLoaded ? this.#loaded : this.#evaluated).set(script.sha, script);
    this.#bytes += script.source.length;
    return true;
  }

  #dropOldest(): void {
    const [sha, script] = this.#evaluated.entries().next().value as [string, CachedScript];
    this.#evaluated.delete(sha);
    this.#bytes -= script.source.length;
    this.#onDrop(sha);
  }

  /** Drops every script. */
  clear(): void {
    this.#loaded.clear();
    this.#evaluated.clear();
    this.#bytes = 0;
  }
}
