import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { SourceClient } from "../../src/replica/source-client.ts";

const ends: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function clientOf(
  answer: RequestListener,
  limits: { answerMs: number; silenceMs: number; bodySilenceMs: number },
) {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const client = new SourceClient({ url: `http://127.0.0.1:${port}`, token: "t", limits });
  ends.push(async () => {
    client.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return client;
}

const NEVER = 60_000;
const POSITION = { storeId: "s", epoch: 1, after: 0, drops: 0 };

async function bytesOf(chunks: AsyncIterable<Uint8Array> | undefined): Promise<number> {
  let bytes = 0;
  for await (const chunk of chunks ?? []) bytes += chunk.length;
  return bytes;
}

test("a source that does not answer is given up", async () => {
  const client = await clientOf(() => undefined, { answerMs: 20, silenceMs: NEVER, bodySilenceMs: NEVER });
  await expect(client.changes(POSITION)).rejects.toMatchObject({ code: "SOURCE_UNREACHABLE" });
});

test("a stream that goes silent is given up", async () => {
  const answer: RequestListener = (_, response) => void response.write("x");
  const client = await clientOf(answer, { answerMs: NEVER, silenceMs: 20, bodySilenceMs: NEVER });
  await expect(bytesOf(await client.changes(POSITION))).rejects.toMatchObject({ code: "SOURCE_SILENT" });
});

test("a large body that goes silent is asked for again from where it was, and given up after some tries", async () => {
  const froms: string[] = [];
  const answer: RequestListener = ({ url = "" }, response) => {
    froms.push(url.replace(/^.*from=/, ""));
    response.writeHead(200, { "content-length": 9 - froms.length + 1 });
    response.write("x");
  };
  const client = await clientOf(answer, { answerMs: NEVER, silenceMs: NEVER, bodySilenceMs: 20 });
  await expect(client.blob(1, "s").then(bytesOf)).rejects.toMatchObject({ code: "SOURCE_SILENT" });
  expect(froms).toEqual(["0", "1", "2", "3", "4"]);
});

test("a large body may be silent for longer than a stream: its bytes wait for the source's disk", async () => {
  const answer: RequestListener = (_, response) => {
    response.writeHead(200, { "content-length": 2 });
    response.write("x");
    setTimeout(() => response.end("y"), 60);
  };
  const client = await clientOf(answer, { answerMs: NEVER, silenceMs: 5, bodySilenceMs: NEVER });
  expect(await client.blob(1, "s").then(bytesOf)).toBe(2);
});

test("a redirect is not followed: the token goes nowhere else", async () => {
  const seen: (string | undefined)[] = [];
  const answer: RequestListener = ({ url }, response) => {
    seen.push(url);
    response.writeHead(307, { location: "/elsewhere" }).end();
  };
  const client = await clientOf(answer, { answerMs: NEVER, silenceMs: NEVER, bodySilenceMs: NEVER });
  await expect(client.users()).rejects.toMatchObject({ code: "NO_SOURCE" });
  expect(seen).toEqual(["/_kagami/replica/users"]);
});
