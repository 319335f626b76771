import { untilZero } from "./byte-text.ts";

/** Rules with the words of each selector joined, or which rule opens a parenthesis that nothing closes. */
export type MergedRules =
  | { readonly rules: readonly string[]; readonly unclosed?: undefined }
  | { readonly unclosed: number };

/**
 * A selector may come as many arguments, `(+get` `~a)`: joins them with spaces. As in Redis, an argument that opens
 * another parenthesis inside drops what was collected, and a zero byte ends an argument that is joined to others.
 */
export function mergeSelectors(rules: readonly string[]): MergedRules {
  const merged: string[] = [];
  let selector = "";
  let openedAt = -1;
  for (const [at, rule] of rules.entries()) {
    if (rule.startsWith("(") && !rule.endsWith(")")) {
      selector = rule;
      openedAt = at;
    } else if (openedAt >= 0) {
      selector += ` ${untilZero(rule)}`;
      if (!rule.endsWith(")")) continue;
      openedAt = -1;
      merged.push(selector);
    } else {
      merged.push(rule);
    }
  }
  return openedAt < 0 ? { rules: merged } : { unclosed: openedAt };
}
