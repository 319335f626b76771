import { expect, test } from "vitest";
import { S3Error } from "../../src/protocol/errors.ts";
import { toS3Error } from "../../src/service/store-errors.ts";
import { StoreError, type StoreErrorCode } from "../../src/store/object-store.ts";

test.each<{ code: StoreErrorCode; told: string; retryAfter?: string; isAlarming: boolean; why: string }>([
  { code: "DISK_FULL", told: "503 SlowDown", retryAfter: "60", isAlarming: true, why: "there may be room later" },
  { code: "BUSY", told: "503 SlowDown", retryAfter: "1", isAlarming: false, why: "there is room soon" },
  { code: "CLOSED", told: "503 ServiceUnavailable", retryAfter: "5", isAlarming: false, why: "it comes back" },
  { code: "DISK_FAILED", told: "500 InternalError", isAlarming: true, why: "somebody must look" },
  { code: "CORRUPT", told: "500 InternalError", isAlarming: true, why: "somebody must look" },
  { code: "NO_SUCH_KEY", told: "404 NoSuchKey", isAlarming: false, why: "that is the client's affair" },
])("$code of the store is told as $told: $why", ({ code, told, retryAfter, isAlarming }) => {
  const { answer, ...rest } = toS3Error(new StoreError(code, "Cannot write /srv/objects/volumes/1"));
  expect(`${answer.status} ${answer.code}`).toBe(told);
  expect(answer.headers["retry-after"]).toBe(retryAfter);
  expect(answer.message).not.toContain("/srv");
  expect(rest).toEqual({ isAlarming });
});

test("what nobody foresaw is told as an error of the server without its words", () => {
  const { answer, isAlarming } = toS3Error(new TypeError("secret of the house"));
  expect([answer.code, isAlarming]).toEqual(["InternalError", true]);
  expect(answer.message).not.toContain("secret");
});

test("an error of S3 is told as it is", () => {
  const error = new S3Error("NoSuchBucket");
  expect(toS3Error(error)).toEqual({ answer: error, isAlarming: false });
});
