import type { RateLimits } from "../engine/limits/rate-limits.ts";
import type { Policy } from "../engine/policy/policy.ts";
import { ObjectsError } from "../errors.ts";
import { readPolicy } from "../protocol/documents/policy-document.ts";
import { S3Error } from "../protocol/errors.ts";
import type { StoredUser } from "./stored-users.ts";

/** A user as requests are judged by. */
export interface User {
  readonly name: string;
  readonly policies: readonly Policy[];
  /** Whether one statement without a condition allows everything and none denies anything: nothing is evaluated then. */
  readonly mayEverything: boolean;
  readonly limits: RateLimits;
}

/** Allows everything on every bucket: the policy of the first user. */
export const FULL_ACCESS_POLICY =
  '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}';

/** @param path Where the user stands, for the error. @throws ObjectsError `USERS_INVALID` */
export function compileUser(stored: StoredUser, path: string): User {
  const policies = Object.entries(stored.policies).map(([name, text]) => {
    const policy = readUserPolicy(text);
    if (typeof policy !== "string") return policy;
    throw new ObjectsError(
      "USERS_INVALID",
      `Cannot use policy "${name}" of user "${stored.name}" in ${path}: ${policy}. Correct it there`,
    );
  });
  return { name: stored.name, policies, mayEverything: mayEverything(policies), limits: stored.limits };
}

/** A policy of a user, or what is wrong with it. */
export function readUserPolicy(text: string): Policy | string {
  try {
    return readPolicy(text, undefined);
  } catch (error) {
    if (error instanceof S3Error) return error.message;
    throw error;
  }
}

function mayEverything(policies: readonly Policy[]): boolean {
  const statements = policies.flatMap((policy) => policy.statements);
  return (
    statements.every(({ effect }) => effect === "Allow") &&
    statements.some(
      ({ actions, resources, conditions }) =>
        conditions.length === 0 && resources.includes("*") && (actions.includes("s3:*") || actions.includes("*")),
    )
  );
}
