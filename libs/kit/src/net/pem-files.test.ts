import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { withTempDir } from "@kagami/testkit";
import { expect, test } from "vitest";
import { readListenerTls } from "./pem-files.ts";

test("a listener that is off reads nothing", async () => {
  const settings = { tlsListen: "off", tlsCert: "/nowhere", tlsKey: "/nowhere", tlsClientCa: "" };
  expect(await readListenerTls(settings)).toBeUndefined();
});

test("clients are asked for certificates only if there are authorities to know them by", async () => {
  await withTempDir(async (directory) => {
    const path = (name: string): string => join(directory, name);
    for (const name of ["cert", "key", "ca"]) await writeFile(path(name), name);
    const settings = { tlsListen: "127.0.0.1:0", tlsCert: path("cert"), tlsKey: path("key"), tlsClientCa: "" };
    const [cert, key, ca] = ["cert", "key", "ca"].map((text) => Buffer.from(text));
    expect(await readListenerTls(settings)).toEqual({ cert, key });
    expect(await readListenerTls({ ...settings, tlsClientCa: path("ca") })).toEqual({
      cert,
      key,
      ca,
      requestCert: true,
      rejectUnauthorized: true,
    });
  });
});

test("a file that cannot be read is named with how to mend it", async () => {
  const settings = { tlsListen: "127.0.0.1:0", tlsCert: "/no/such/file", tlsKey: "", tlsClientCa: "" };
  await expect(readListenerTls(settings)).rejects.toMatchObject({
    code: "TLS_FILE_UNREADABLE",
    message: expect.stringMatching(/^Cannot read \/no\/such\/file: .*\. Give the path of a PEM file/),
  });
});
