import { expect, test } from "vitest";
import { EngineDriver } from "../../test/support/engine-driver.ts";

test("a value that was set is got, and comes back when the log is read again", () => {
  const driver = new EngineDriver();
  expect(driver.do("GET", "k")).toBe("$-1\r\n");
  expect(driver.do("SET", "k", "v1")).toBe("+OK\r\n");
  expect(driver.do("set", "k", "a longer value than before")).toBe("+OK\r\n");
  expect(driver.do("GET", "k")).toBe("$26\r\na longer value than before\r\n");
  expect(driver.replayed().do("GET", "k")).toBe("$26\r\na longer value than before\r\n");
});

test.each([
  { args: ["NOPE", "a"], error: "-ERR unknown command 'NOPE', with args beginning with: 'a' \r\n" },
  { args: ["GET"], error: "-ERR wrong number of arguments for 'get' command\r\n" },
])("$args is refused as Redis does", ({ args, error }) => {
  expect(new EngineDriver().do(...args)).toBe(error);
});
