import { bytesOfText, lowerAscii, splitArguments, untilZero } from "./byte-text.ts";
import type { CommandIndex } from "./catalogue.ts";
import type { AclLimits, RuleFault } from "./rule-faults.ts";
import { Selector } from "./selector.ts";

/** SHA-256 of a password, as 64 lower-case hexadecimal digits. Pure; the shell gives that of `node:crypto`. */
export type HashPassword = (password: Uint8Array) => string;

/** What rules are read against. */
export interface RuleContext {
  readonly index: CommandIndex;
  readonly limits: AclLimits;
  readonly hashPassword: HashPassword;
  /** The setting `acl-pubsub-default`: what a new selector may do with channels. */
  readonly allowsChannelsByDefault: boolean;
}

/**
 * A user: whether it may log in, with which passwords, and what it may do. Sessions hold on to the object: changed rules
 * take effect at once, as {@link AclUsers} changes it in place, and a deleted user is told by its identity.
 */
export class User {
  /** Byte text. */
  readonly name: string;
  isEnabled = false;
  needsNoPassword = false;
  /** Redis lists it in two flags, of which a new user has neither. */
  sanitizesPayload: boolean | undefined;
  /** Hashes of 64 lower-case hexadecimal digits. */
  passwords: string[] = [];
  root: Selector;
  /** Tried after the root, in order. */
  others: Selector[] = [];
  /** One branch on the hot path: everything is allowed. Kept by {@link User.settle}. */
  isUnrestricted = false;
  /** Kept by whoever describes users; forgotten whenever the user changes. */
  description: string | undefined;

  constructor(name: string, context: RuleContext) {
    this.name = name;
    this.root = new Selector(context.index, context.allowsChannelsByDefault);
  }

  /** Takes over all that another user has but its name. */
  copyFrom(source: User): void {
    this.isEnabled = source.isEnabled;
    this.needsNoPassword = source.needsNoPassword;
    this.sanitizesPayload = source.sanitizesPayload;
    this.passwords = [...source.passwords];
    this.root = source.root.clone();
    this.others = source.others.map((selector) => selector.clone());
    this.settle();
  }

  /** To be called when the rules have changed, before the user is used again. */
  settle(): void {
    this.description = undefined;
    this.isUnrestricted = this.root.isUnrestricted || this.others.some((selector) => selector.isUnrestricted);
  }

  /** Applies one rule, byte text. A refused rule may be half done: apply to a copy, and drop it. */
  apply(rule: string, context: RuleContext): RuleFault | undefined {
    if (rule === "") return undefined;
    switch (lowerAscii(untilZero(rule))) {
      case "on":
        this.isEnabled = true;
        return undefined;
      case "off":
        this.isEnabled = false;
        return undefined;
      case "skip-sanitize-payload":
        this.sanitizesPayload = false;
        return undefined;
      case "sanitize-payload":
        this.sanitizesPayload = true;
        return undefined;
      case "nopass":
        return this.#clearPasswords(true);
      case "resetpass":
        return this.#clearPasswords(false);
      case "clearselectors":
        this.others = [];
        return undefined;
      case "reset":
        return this.#reset(context);
      default:
        return this.#applyMarked(rule, context);
    }
  }

  #applyMarked(rule: string, context: RuleContext): RuleFault | undefined {
    switch (rule.charAt(0)) {
      case ">":
        return this.#addPassword(context.hashPassword(bytesOfText(rule.slice(1))), context);
      case "#":
        return isHash(rule.slice(1)) ? this.#addPassword(rule.slice(1), context) : "bad-hash";
      case "<":
        return this.#removePassword(context.hashPassword(bytesOfText(rule.slice(1))));
      case "!":
        return isHash(rule.slice(1)) ? this.#removePassword(rule.slice(1)) : "bad-hash";
      default:
        if (rule.startsWith("(") && rule.endsWith(")")) return this.#addSelector(rule.slice(1, -1), context);
        return this.root.apply(rule) ?? this.#patternFault(context);
    }
  }

  #clearPasswords(needsNoPassword: boolean): undefined {
    this.needsNoPassword = needsNoPassword;
    this.passwords = [];
  }

  #reset(context: RuleContext): undefined {
    this.#clearPasswords(false);
    this.isEnabled = false;
    this.sanitizesPayload = true;
    this.others = [];
    this.root = new Selector(context.index, context.allowsChannelsByDefault);
  }

  #addPassword(hash: string, context: RuleContext): RuleFault | undefined {
    this.needsNoPassword = false;
    if (this.passwords.includes(hash)) return undefined;
    if (this.passwords.length >= context.limits.passwordsPerUser) return "too-many-passwords";
    this.passwords.push(hash);
    return undefined;
  }

  #removePassword(hash: string): RuleFault | undefined {
    const at = this.passwords.indexOf(hash);
    if (at < 0) return "no-such-password";
    this.passwords.splice(at, 1);
    return undefined;
  }

  /** A quote that does not end makes an empty selector: so does Redis. */
  #addSelector(rules: string, context: RuleContext): RuleFault | undefined {
    if (this.others.length >= context.limits.selectorsPerUser) return "too-many-selectors";
    const selector = new Selector(context.index, context.allowsChannelsByDefault);
    for (const rule of splitArguments(rules) ?? []) {
      const fault = selector.apply(rule);
      if (fault !== undefined) return fault;
      if (selector.patternCount > context.limits.patternsPerUser) return "too-many-patterns";
    }
    this.others.push(selector);
    return this.#patternFault(context);
  }

  #patternFault(context: RuleContext): RuleFault | undefined {
    let count = this.root.patternCount;
    for (const selector of this.others) count += selector.patternCount;
    return count > context.limits.patternsPerUser ? "too-many-patterns" : undefined;
  }
}

function isHash(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}
