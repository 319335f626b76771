import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { USER_VARIABLE } from "../../src/engine/policy/conditions.ts";
import { evaluatePolicies } from "../../src/engine/policy/evaluate.ts";
import { globMatches } from "../../src/engine/policy/glob.ts";
import { ipInRange, parseIpRange } from "../../src/engine/policy/ip-range.ts";
import type { AccessRequest } from "../../src/engine/policy/policy.ts";
import { readPolicy } from "../../src/protocol/documents/policy-document.ts";

type Json = Record<string, unknown>;

function policyOf(...statements: Json[]) {
  return readPolicy(JSON.stringify({ Version: "2012-10-17", Statement: statements }), "b");
}

function ask(over: Partial<AccessRequest> & { context?: Record<string, string> } = {}): AccessRequest {
  return {
    principal: { kind: "user", name: "alice" },
    action: "s3:getobject",
    resource: "b/k",
    lookup: (key) => over.context?.[key],
    ...over,
  };
}

const allowAll = { Effect: "Allow", Principal: "*", Action: "s3:*", Resource: ["arn:aws:s3:::b", "arn:aws:s3:::b/*"] };

describe("evaluation", () => {
  test("without a statement that speaks of it, nothing is decided", () => {
    expect(evaluatePolicies([policyOf(allowAll)], ask({ resource: "other/k" }))).toBe("none");
  });

  test("a denial wins, in whatever policy and order it stands", () => {
    const deny = policyOf({ ...allowAll, Effect: "Deny", Action: "s3:GetObject" });
    expect(evaluatePolicies([policyOf(allowAll), deny], ask())).toBe("deny");
    expect(evaluatePolicies([deny, policyOf(allowAll)], ask())).toBe("deny");
  });

  test("a policy that only denies allows nothing beside it", () => {
    const deny = policyOf({ ...allowAll, Effect: "Deny", Action: "s3:DeleteObject" });
    expect(evaluatePolicies([deny], ask())).toBe("none");
  });

  test("a named principal is that user and neither another nor the anonymous", () => {
    const policy = policyOf({ ...allowAll, Principal: { AWS: "arn:aws:iam:::user/alice" } });
    expect(evaluatePolicies([policy], ask())).toBe("allow");
    expect(evaluatePolicies([policy], ask({ principal: { kind: "user", name: "alicia" } }))).toBe("none");
    expect(evaluatePolicies([policy], ask({ principal: { kind: "anonymous" } }))).toBe("none");
  });

  test("the user's name stands for the variable in resources and conditions", () => {
    const policy = policyOf({
      ...allowAll,
      Resource: `arn:aws:s3:::b/home/${USER_VARIABLE}/*`,
      Condition: { StringLike: { "s3:prefix": `home/${USER_VARIABLE}/*` } },
    });
    const context = { "s3:prefix": "home/alice/x" };
    expect(evaluatePolicies([policy], ask({ resource: "b/home/alice/x", context }))).toBe("allow");
    expect(evaluatePolicies([policy], ask({ resource: "b/home/bob/x", context }))).toBe("none");
  });

  test.each([
    { condition: { StringEquals: { "s3:prefix": ["a", "b"] } }, given: "b", holds: true, why: "any value will do" },
    { condition: { StringEquals: { "s3:prefix": "a" } }, given: undefined, holds: false, why: "the key is absent" },
    { condition: { StringEqualsIfExists: { "s3:prefix": "a" } }, given: undefined, holds: true, why: "if it exists" },
    { condition: { StringNotEquals: { "s3:prefix": "a" } }, given: undefined, holds: true, why: "absent is not a" },
    { condition: { StringNotEquals: { "s3:prefix": ["a", "b"] } }, given: "b", holds: false, why: "none may match" },
    { condition: { StringNotLike: { "s3:prefix": "a*" } }, given: "abc", holds: false, why: "negated pattern" },
    { condition: { StringEqualsIgnoreCase: { "s3:prefix": "AB" } }, given: "ab", holds: true, why: "case" },
    { condition: { NumericLessThanEquals: { "s3:prefix": 10 } }, given: "10", holds: true, why: "equal is within" },
    { condition: { NumericLessThanEquals: { "s3:prefix": 10 } }, given: "11", holds: false, why: "more" },
    { condition: { NumericLessThanEquals: { "s3:prefix": 10 } }, given: "x", holds: false, why: "no number" },
    { condition: { NumericNotEquals: { "s3:prefix": 10 } }, given: "10", holds: false, why: "negated number" },
    { condition: { Bool: { "s3:prefix": true } }, given: "true", holds: true, why: "JSON's true" },
    { condition: { Null: { "s3:prefix": "true" } }, given: undefined, holds: true, why: "must be absent" },
    { condition: { Null: { "s3:prefix": "false" } }, given: undefined, holds: false, why: "must be there" },
    { condition: { IpAddress: { "s3:prefix": "10.0.0.0/8" } }, given: "10.1.2.3", holds: true, why: "inside" },
    { condition: { IpAddress: { "s3:prefix": "10.0.0.0/8" } }, given: "::ffff:10.1.2.3", holds: true, why: "mapped" },
    { condition: { NotIpAddress: { "s3:prefix": "10.0.0.0/8" } }, given: "10.1.2.3", holds: false, why: "negated" },
  ])("$condition holds for $given: $holds, because $why", ({ condition, given, holds }) => {
    const policy = policyOf({ ...allowAll, Condition: condition });
    const context = given === undefined ? {} : { "s3:prefix": given };
    expect(evaluatePolicies([policy], ask({ context }))).toBe(holds ? "allow" : "none");
  });

  test("dates are compared with the time of the request", () => {
    const policy = policyOf({
      ...allowAll,
      Condition: { DateLessThan: { "aws:CurrentTime": "2026-01-02T00:00:00Z" } },
    });
    const at = (ms: number) => evaluatePolicies([policy], ask({ context: { "aws:currenttime": String(ms) } }));
    expect(at(Date.UTC(2026, 0, 1))).toBe("allow");
    expect(at(Date.UTC(2026, 0, 2))).toBe("none");
  });
});

describe("reading", () => {
  const whole = { Version: "2012-10-17", Statement: [allowAll] };
  test.each([
    { policy: "{", why: "no JSON" },
    { policy: JSON.stringify({ ...whole, Version: "2020-01-01" }), why: "a version that is none" },
    { policy: JSON.stringify({ ...whole, Extra: 1 }), why: "an unknown field" },
    { policy: JSON.stringify({ ...whole, Statement: [] }), why: "no statement" },
    { policy: statement({ NotAction: "s3:*" }), why: "NotAction would turn the meaning round" },
    { policy: statement({ NotPrincipal: "*" }), why: "NotPrincipal too" },
    { policy: statement({ Effect: "allow" }), why: "an effect that is none" },
    { policy: statement({ Action: "ec2:*" }), why: "another service's action" },
    { policy: statement({ Action: [] }), why: "no action" },
    { policy: statement({ Resource: "arn:aws:s3:::other/*" }), why: "another bucket" },
    { policy: statement({ Resource: "arn:aws:s3:::b*" }), why: "other buckets that begin alike" },
    { policy: statement({ Resource: "*" }), why: "every bucket" },
    { policy: statement({ Principal: { AWS: "alice" } }), why: "a principal that is no ARN" },
    { policy: statement({ Principal: { Federated: "x" } }), why: "a kind of principal we do not have" },
    { policy: statement({ Condition: { StringEquals: { "aws:PrincipalOrgID": "o" } } }), why: "a key never given" },
    { policy: statement({ Condition: { ArnLike: { "s3:prefix": "x" } } }), why: "an unknown operator" },
    { policy: statement({ Condition: { "ForAnyValue:StringEquals": { "s3:prefix": "x" } } }), why: "a set operator" },
    { policy: statement({ Condition: { IpAddress: { "aws:SourceIp": "10.0.0.0/33" } } }), why: "no network" },
    { policy: statement({ Condition: { NumericEquals: { "s3:max-keys": "ten" } } }), why: "no number" },
    { policy: statement({ Condition: { DateLessThan: { "s3:prefix": "2026-01-01" } } }), why: "a date of no date" },
    { policy: statement({ Condition: { StringLike: { "s3:prefix": `\${aws:userid}` } } }), why: "an unknown variable" },
    { policy: statement({ Sid: "x".repeat(21_000) }), why: "too long" },
  ])("is refused for $why", ({ policy }) => {
    expect(() => readPolicy(policy, "b")).toThrow(expect.objectContaining({ code: "MalformedPolicy" }));
  });

  test("a user's policy has no principal and may name every bucket", () => {
    const { Principal: _, ...own } = allowAll;
    const text = JSON.stringify({ Version: "2012-10-17", Statement: { ...own, Resource: "*" } });
    expect(readPolicy(text, undefined).statements).toHaveLength(1);
    expect(() => readPolicy(JSON.stringify(whole), undefined)).toThrow(/Principal/);
  });

  function statement(over: Json): string {
    return JSON.stringify({ Version: "2012-10-17", Statement: [{ ...allowAll, ...over }] });
  }

  test("any JSON is read or refused, never anything else", () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        try {
          readPolicy(json, "b");
        } catch (error) {
          expect(error).toMatchObject({ code: "MalformedPolicy" });
        }
      }),
    );
  });
});

test("a pattern matches what a regular expression of the same meaning matches", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", "*", "?", "/"), maxLength: 12 });
  fc.assert(
    fc.property(text, text, (pattern, given) => {
      const source = [...pattern].map((c) => (c === "*" ? ".*" : c === "?" ? "." : c.replace(/[/]/, "\\/"))).join("");
      expect(globMatches(pattern, given)).toBe(new RegExp(`^${source}$`, "s").test(given));
    }),
    { numRuns: 2_000 },
  );
});

test("a pattern made to be slow is answered at once", () => {
  expect(globMatches(`${"a*".repeat(500)}b`, "a".repeat(1_000))).toBe(false);
});

test.each([
  { range: "192.0.2.0/24", address: "192.0.2.255", inside: true },
  { range: "192.0.2.0/24", address: "192.0.3.0", inside: false },
  { range: "192.0.2.1", address: "192.0.2.1", inside: true },
  { range: "0.0.0.0/0", address: "8.8.8.8", inside: true },
  { range: "0.0.0.0/0", address: "2001:db8::1", inside: false },
  { range: "2001:db8::/33", address: "2001:db8:7fff::1", inside: true },
  { range: "2001:db8::/33", address: "2001:db8:8000::1", inside: false },
  { range: "::1", address: "::1%lo", inside: true },
  { range: "::/0", address: "not an address", inside: false },
])("$address is in $range: $inside", ({ range, address, inside }) => {
  const parsed = parseIpRange(range);
  expect(parsed && ipInRange(address, parsed)).toBe(inside);
});

test.each(["1.2.3", "1.2.3.256", "01.2.3.4", "1::2::3", "1:2:3:4:5:6:7", "::12345", "1.2.3.4/", "g::", ""])(
  "%s is no address",
  (text) => {
    expect(parseIpRange(text)).toBeUndefined();
  },
);
