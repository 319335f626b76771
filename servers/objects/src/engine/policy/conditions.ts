import { globMatches } from "./glob.ts";
import { type IpRange, ipInRange, parseIpRange } from "./ip-range.ts";

/** The operators that are known; each may carry `IfExists`. */
export const CONDITION_OPERATORS = [
  "StringEquals",
  "StringNotEquals",
  "StringEqualsIgnoreCase",
  "StringNotEqualsIgnoreCase",
  "StringLike",
  "StringNotLike",
  "NumericEquals",
  "NumericNotEquals",
  "NumericLessThan",
  "NumericLessThanEquals",
  "NumericGreaterThan",
  "NumericGreaterThanEquals",
  "DateEquals",
  "DateNotEquals",
  "DateLessThan",
  "DateLessThanEquals",
  "DateGreaterThan",
  "DateGreaterThanEquals",
  "Bool",
  "IpAddress",
  "NotIpAddress",
  "Null",
] as const;

export type ConditionOperator = (typeof CONDITION_OPERATORS)[number];

/** One key of one operator with the values that would satisfy it. */
export interface Condition {
  readonly operator: ConditionOperator;
  /** Satisfied too if the request has no such key. */
  readonly ifExists: boolean;
  readonly key: string;
  readonly values: readonly string[];
  /** For numbers and dates (ms since 1970): the values as numbers. */
  readonly numbers: readonly number[];
  readonly ranges: readonly IpRange[];
}

/**
 * Makes a condition from what stands in a policy.
 *
 * @param parseDate Reads a date into ms since 1970; NaN if it is none.
 * @returns A text that says what is wrong with a value.
 */
export function makeCondition(
  operator: ConditionOperator,
  ifExists: boolean,
  key: string,
  values: readonly string[],
  parseDate: (text: string) => number,
): Condition | string {
  let numbers: number[] = [];
  const ranges: IpRange[] = [];
  if (operator.startsWith("Numeric")) numbers = values.map(readNumber);
  if (operator.startsWith("Date")) numbers = values.map(parseDate);
  if (numbers.some(Number.isNaN)) return `${operator} of ${key} has a value that is no number or date`;
  if (operator === "IpAddress" || operator === "NotIpAddress") {
    for (const value of values) {
      const range = parseIpRange(value);
      if (!range) return `${operator} of ${key} has "${value}", which is no address or network`;
      ranges.push(range);
    }
  }
  if ((operator === "Bool" || operator === "Null") && values.some((value) => !/^(true|false)$/i.test(value))) {
    return `${operator} of ${key} takes true or false`;
  }
  return { operator, ifExists, key, values, numbers, ranges };
}

/** Whether a condition holds for the value that the request has; a negative operator holds if there is none. */
export function conditionHolds(condition: Condition, given: string | undefined, userName: string): boolean {
  const { operator } = condition;
  if (operator === "Null") {
    return condition.values.some((value) => (value.toLowerCase() === "true") === (given === undefined));
  }
  if (given === undefined) return condition.ifExists || isNegative(operator);
  return isNegative(operator)
    ? !anyMatches(condition, positiveOf(operator), given, userName)
    : anyMatches(condition, operator, given, userName);
}

function isNegative(operator: ConditionOperator): boolean {
  return operator.includes("Not");
}

function positiveOf(operator: ConditionOperator): ConditionOperator {
  return operator.replace("Not", "") as ConditionOperator;
}

function anyMatches(condition: Condition, operator: ConditionOperator, given: string, userName: string): boolean {
  if (operator === "IpAddress") return condition.ranges.some((range) => ipInRange(given, range));
  if (condition.numbers.length > 0) {
    const value = readNumber(given);
    return condition.numbers.some((wanted) => compares(operator, value, wanted));
  }
  return condition.values.some((value) => textMatches(operator, given, substitute(value, userName)));
}

function textMatches(operator: ConditionOperator, given: string, wanted: string): boolean {
  if (operator === "StringLike") return globMatches(wanted, given);
  if (operator === "StringEquals") return given === wanted;
  return given.toLowerCase() === wanted.toLowerCase();
}

function compares(operator: ConditionOperator, value: number, wanted: number): boolean {
  if (operator.endsWith("LessThan")) return value < wanted;
  if (operator.endsWith("LessThanEquals")) return value <= wanted;
  if (operator.endsWith("GreaterThan")) return value > wanted;
  if (operator.endsWith("GreaterThanEquals")) return value >= wanted;
  return value === wanted;
}

function readNumber(text: string): number {
  return /^-?\d{1,15}(\.\d{1,15})?$/.test(text) ? Number(text) : Number.NaN;
}

/** The only variable of policies. */
export const USER_VARIABLE = `\${aws:username}`;

/** Puts the name of the user who asks in place of the variable; names hold no wildcards. */
export function substitute(pattern: string, userName: string): string {
  return pattern.includes("${") ? pattern.replaceAll(USER_VARIABLE, userName) : pattern;
}
