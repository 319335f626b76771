import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { actionOf, BY_HANDLER } from "../../src/engine/policy/operation-actions.ts";
import type { Operation } from "../../src/protocol/routing/index.ts";
import { HANDLERS } from "../../src/service/handlers/index.ts";

const OPERATIONS: [Operation, ...unknown[]][] = JSON.parse(
  readFileSync(new URL("../../testdata/s3-operations.json", import.meta.url), "utf8"),
);

test.each(OPERATIONS)("%s is judged if it is served, and else has no action that nobody asks for", (operation) => {
  expect(actionOf(operation, false) !== undefined).toBe(operation in HANDLERS);
});

test("few operations are judged by their handlers: a new one must be named", () => {
  const byHandler = Object.keys(HANDLERS).filter((name) => actionOf(name as Operation, false) === BY_HANDLER);
  expect(byHandler.toSorted()).toEqual(["DeleteObjects", "ListBuckets", "PostObject", "Preflight", "PutObjectTagging"]);
});

test("an operation that nobody has heard of is nobody's to do", () => {
  expect(actionOf("OpenEverything" as Operation, false)).toBeUndefined();
});

test.each<{ operation: Operation; action: string }>([
  { operation: "GetObject", action: "s3:getobjectversion" },
  { operation: "HeadObject", action: "s3:getobjectversion" },
  { operation: "GetObjectAttributes", action: "s3:getobjectversionattributes" },
  { operation: "GetObjectTagging", action: "s3:getobjectversiontagging" },
  { operation: "DeleteObjectTagging", action: "s3:deleteobjectversiontagging" },
  { operation: "GetObjectAcl", action: "s3:getobjectversionacl" },
  { operation: "PutObjectAcl", action: "s3:putobjectversionacl" },
  { operation: "DeleteObject", action: "s3:deleteobjectversion" },
])("$operation of a version asks for $action", ({ operation, action }) => {
  expect(actionOf(operation, true)).toBe(action);
  expect(actionOf(operation, false)).not.toBe(action);
});
