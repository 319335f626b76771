import {
  CONDITION_OPERATORS,
  type Condition,
  type ConditionOperator,
  makeCondition,
  USER_VARIABLE,
} from "../../engine/policy/conditions.ts";
import type { Policy, PrincipalPattern, Statement } from "../../engine/policy/policy.ts";
import { parseIsoDate } from "../dates.ts";
import { S3Error } from "../errors.ts";

/** As S3. */
export const POLICY_LIMIT_BYTES = 20_480;
const STATEMENT_LIMIT = 100;
const LIST_LIMIT = 200;
const PATTERN_LIMIT_CHARACTERS = 1_200;
const USER_ARN = /^arn:aws:iam:::user\/([a-zA-Z0-9._-]{1,64})$/;
const RESOURCE_PREFIX = "arn:aws:s3:::";
const ACTION = /^s3:[a-zA-Z*?]{1,64}$/i;

/** Condition keys, in lower case, that requests are looked at for; any other is refused when the policy is put. */
const CONDITION_KEYS: ReadonlySet<string> = new Set([
  "aws:sourceip",
  "aws:securetransport",
  "aws:username",
  "aws:currenttime",
  "aws:epochtime",
  "aws:referer",
  "aws:useragent",
  "s3:prefix",
  "s3:delimiter",
  "s3:max-keys",
  "s3:versionid",
  "s3:authtype",
  "s3:signatureversion",
  "s3:signatureage",
  "s3:x-amz-acl",
  "s3:x-amz-content-sha256",
  "s3:x-amz-copy-source",
  "s3:x-amz-metadata-directive",
  "s3:x-amz-storage-class",
  "s3:x-amz-server-side-encryption",
  "s3:if-match",
  "s3:if-none-match",
]);
const TAG_KEY = /^s3:(existingobjecttag|requestobjecttag)\/(.{1,128})$/i;

/**
 * Reads a policy. What is not understood is refused, never ignored: an element that was skipped could turn a denial into
 * nothing.
 *
 * @param bucket Resources must lie in it; undefined for a user's own policy, which may name any and has no principals.
 * @throws S3Error MalformedPolicy
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
 */
export function readPolicy(text: string, bucket: string | undefined): Policy {
  if (text.length > POLICY_LIMIT_BYTES) throw refusal(`Policies are at most ${POLICY_LIMIT_BYTES} bytes`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new S3Error("MalformedPolicy", { cause });
  }
  return readDocument(json, bucket);
}

function refusal(message: string): S3Error {
  return new S3Error("MalformedPolicy", { message });
}

function readDocument(json: unknown, bucket: string | undefined): Policy {
  const document = record(json, "The policy");
  onlyKeys(document, ["Version", "Id", "Statement"], "the policy");
  const { Version: version, Id: id } = document;
  if (version !== "2012-10-17" && version !== "2008-10-17") {
    throw refusal('The policy must contain a valid version string: "2012-10-17" or "2008-10-17"');
  }
  if (id !== undefined && typeof id !== "string") throw refusal("Id must be a string");
  const list = Array.isArray(document.Statement) ? document.Statement : [document.Statement];
  if (document.Statement === undefined || list.length === 0) throw refusal("Missing required field Statement");
  if (list.length > STATEMENT_LIMIT) throw refusal(`A policy has at most ${STATEMENT_LIMIT} statements`);
  const statements = list.map((statement) => readStatement(statement, bucket));
  const needsObjectTags = statements.some(({ conditions }) =>
    conditions.some(({ key }) => key.startsWith("s3:existingobjecttag/")),
  );
  return { statements, needsObjectTags };
}

function readStatement(json: unknown, bucket: string | undefined): Statement {
  const statement = record(json, "A statement");
  const isOfBucket = bucket !== undefined;
  const known = ["Sid", "Effect", "Action", "Resource", "Condition", ...(isOfBucket ? ["Principal"] : [])];
  onlyKeys(statement, known, "a statement");
  const { Sid: sid, Effect: effect } = statement;
  if (sid !== undefined && typeof sid !== "string") throw refusal("Sid must be a string");
  if (effect !== "Allow" && effect !== "Deny") throw refusal("Effect must be Allow or Deny");
  const actions = strings(statement.Action, "Action").map(readAction);
  const resources = strings(statement.Resource, "Resource").map((text) => readResource(text, bucket));
  return {
    sid,
    effect,
    principal: isOfBucket ? readPrincipal(statement.Principal) : undefined,
    actions,
    resources,
    conditions: readConditions(statement.Condition),
  };
}

function readAction(text: string): string {
  if (text !== "*" && !ACTION.test(text)) throw refusal(`Policy has invalid action "${text}"`);
  return text.toLowerCase();
}

function readResource(text: string, bucket: string | undefined): string {
  if (text === "*" && bucket === undefined) return text;
  if (!text.startsWith(RESOURCE_PREFIX) || text.length > PATTERN_LIMIT_CHARACTERS) {
    throw refusal(`Policy has invalid resource "${text.slice(0, 200)}"`);
  }
  const resource = text.slice(RESOURCE_PREFIX.length);
  checkVariables(resource);
  if (bucket !== undefined && resource !== bucket && !resource.startsWith(`${bucket}/`)) {
    throw refusal(`Policy has invalid resource "${text.slice(0, 200)}": it is not of this bucket`);
  }
  return resource;
}

function readPrincipal(json: unknown): PrincipalPattern {
  if (json === "*") return { kind: "everyone" };
  const principal = record(json, "Principal");
  onlyKeys(principal, ["AWS"], "Principal");
  const names: string[] = [];
  for (const text of strings(principal.AWS, "Principal")) {
    if (text === "*") return { kind: "everyone" };
    const name = USER_ARN.exec(text)?.[1];
    if (name === undefined) throw refusal(`Invalid principal in policy: "${text}" is not arn:aws:iam:::user/NAME`);
    names.push(name);
  }
  return { kind: "users", names };
}

function readConditions(json: unknown): Condition[] {
  if (json === undefined) return [];
  const conditions: Condition[] = [];
  for (const [name, body] of Object.entries(record(json, "Condition"))) {
    const ifExists = name.endsWith("IfExists");
    const operator = (ifExists ? name.slice(0, -"IfExists".length) : name) as ConditionOperator;
    if (!CONDITION_OPERATORS.includes(operator) || (ifExists && operator === "Null")) {
      throw refusal(`Invalid Condition type: ${name}`);
    }
    for (const [key, values] of Object.entries(record(body, name))) {
      const texts = scalars(values, key);
      for (const text of texts) checkVariables(text);
      const known = readConditionKey(key);
      if (operator !== "Null" && operator.startsWith("Date") !== (known === "aws:currenttime")) {
        throw refusal(`${name} cannot be used with ${key}: dates are compared with aws:CurrentTime only`);
      }
      const made = makeCondition(operator, ifExists, known, texts, readDate);
      if (typeof made === "string") throw refusal(made);
      conditions.push(made);
    }
  }
  if (conditions.length > LIST_LIMIT) throw refusal(`A statement has at most ${LIST_LIMIT} conditions`);
  return conditions;
}

function readDate(text: string): number {
  return parseIsoDate(text) ?? parseIsoDate(`${text}T00:00:00Z`) ?? Number.NaN;
}

function readConditionKey(key: string): string {
  const tag = TAG_KEY.exec(key);
  if (tag) return `s3:${tag[1]?.toLowerCase()}/${tag[2]}`;
  const lower = key.toLowerCase();
  if (!CONDITION_KEYS.has(lower)) throw refusal(`Policy has an invalid condition key: ${key}`);
  return lower;
}

/** `${aws:username}` is known; any other variable would be taken literally and so never match. */
function checkVariables(text: string): void {
  if (text.replaceAll(USER_VARIABLE, "").includes("${")) {
    throw refusal(`Policy has an unknown variable in "${text.slice(0, 200)}"; only ${USER_VARIABLE} is known`);
  }
}

function record(json: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof json !== "object" || json === null || Array.isArray(json)) throw refusal(`${what} must be an object`);
  return json as Record<string, unknown>;
}

function onlyKeys(json: Readonly<Record<string, unknown>>, known: readonly string[], where: string): void {
  for (const key of Object.keys(json)) {
    if (!known.includes(key)) throw refusal(`Unknown field ${key} in ${where}`);
  }
}

function strings(json: unknown, what: string): string[] {
  const list = Array.isArray(json) ? json : [json];
  if (json === undefined || list.length === 0) throw refusal(`Missing required field ${what}`);
  if (list.length > LIST_LIMIT) throw refusal(`${what} has at most ${LIST_LIMIT} values`);
  for (const item of list) if (typeof item !== "string") throw refusal(`${what} must be a string or a list of strings`);
  return list as string[];
}

/** Values of conditions may be numbers and booleans too. */
function scalars(json: unknown, what: string): string[] {
  const list: unknown[] = Array.isArray(json) ? json : [json];
  return strings(
    list.map((item) => (typeof item === "number" || typeof item === "boolean" ? String(item) : item)),
    what,
  );
}
