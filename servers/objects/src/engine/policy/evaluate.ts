import { conditionHolds, substitute } from "./conditions.ts";
import { globMatches } from "./glob.ts";
import type { AccessRequest, Policy, Statement } from "./policy.ts";

/** What all policies together say. `none`: no statement speaks of it, which is a refusal unless the caller owns the bucket. */
export type Verdict = "allow" | "deny" | "none";

/**
 * Asks every policy that applies. A denial anywhere wins over any permission; permission needs at least one statement
 * that allows, so a policy that only denies permits nothing.
 */
export function evaluatePolicies(policies: readonly Policy[], request: AccessRequest): Verdict {
  let verdict: Verdict = "none";
  for (const policy of policies) {
    for (const statement of policy.statements) {
      if (statement.effect === "Allow" && verdict === "allow") continue;
      if (!applies(statement, request)) continue;
      if (statement.effect === "Deny") return "deny";
      verdict = "allow";
    }
  }
  return verdict;
}

function applies(statement: Statement, request: AccessRequest): boolean {
  const userName = request.principal.kind === "user" ? request.principal.name : "";
  return (
    principalFits(statement, request) &&
    statement.actions.some((pattern) => globMatches(pattern, request.action)) &&
    statement.resources.some((pattern) => globMatches(substitute(pattern, userName), request.resource)) &&
    statement.conditions.every((condition) => conditionHolds(condition, request.lookup(condition.key), userName))
  );
}

function principalFits({ principal }: Statement, request: AccessRequest): boolean {
  // A statement of a user's own policy: the caller passes policies of that user only.
  if (!principal || principal.kind === "everyone") return true;
  return request.principal.kind === "user" && principal.names.includes(request.principal.name);
}
