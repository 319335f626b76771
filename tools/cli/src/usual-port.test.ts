import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { expect, test } from "vitest";
import { usualOrFree } from "./usual-port.ts";

test("the usual port is taken while nobody else has it, and any other when somebody does", async () => {
  const other = createServer();
  other.listen(0, "127.0.0.1");
  await once(other, "listening");
  const { port } = other.address() as AddressInfo;
  expect(await usualOrFree(port)).toBe("127.0.0.1:0");
  other.close();
  await once(other, "close");
  expect(await usualOrFree(port)).toBe(`127.0.0.1:${port}`);
});
