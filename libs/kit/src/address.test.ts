import fc from "fast-check";
import { expect, test } from "vitest";
import { AddressError, formatAddress, isLoopback, parseAddress } from "./address.ts";

test.each([
  { text: "127.0.0.1:1935", host: "127.0.0.1", port: 1_935, why: "IPv4" },
  { text: "[::1]:80", host: "::1", port: 80, why: "IPv6 in brackets" },
  { text: "[fe80::1%eth0]:80", host: "fe80::1%eth0", port: 80, why: "IPv6 with its zone" },
  { text: "localhost:0", host: "localhost", port: 0, why: "port 0 is the system's choice" },
  { text: ":8080", host: "::", port: 8_080, why: "no host is every interface" },
])("$text is read and written: $why", ({ text, host, port }) => {
  expect(parseAddress(text)).toEqual({ host, port });
  if (host !== "::") expect(formatAddress({ host, port })).toBe(text);
});

test.each([
  { text: "", why: "nothing" },
  { text: "8080", why: "a port alone" },
  { text: "localhost", why: "a host alone" },
  { text: "::1:80", why: "IPv6 without brackets" },
  { text: "[127.0.0.1]:80", why: "IPv4 in brackets" },
  { text: "[::g]:80", why: "no IPv6" },
  { text: "host:65536", why: "port too high" },
  { text: "host:-1", why: "port below zero" },
  { text: "host:80 ", why: "a space behind" },
  { text: "ho st:80", why: "a space inside" },
  { text: "http://host:80", why: "an URL" },
])("$text is refused: $why", ({ text }) => {
  expect(() => parseAddress(text)).toThrow(AddressError);
});

test("any text is an address or is refused", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        expect(parseAddress(formatAddress(parseAddress(text)))).toEqual(parseAddress(text));
      } catch (error) {
        expect(error).toBeInstanceOf(AddressError);
      }
    }),
  );
});

test.each([
  ["127.0.0.1", true],
  ["127.9.9.9", true],
  ["::1", true],
  ["::ffff:127.0.0.1", true],
  ["LOCALHOST", true],
  ["0.0.0.0", false],
  ["::", false],
  ["127.0.0.1.example.com", false],
  ["10.0.0.1", false],
])("%s is loopback: %s", (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
});
