// Records what memcached says to the requests of samples.txt: `node servers/cacheproxy/testdata/record-samples.ts`
// writes samples.json with the version it talked to. Each request has a connection of its own, in the order of the file,
// to one server with one thread; `mn` behind it tells where the reply ends.
import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { startMemcached } from "@kagami/testkit";

const server = await startMemcached(["-t", "1"]);
const samples: { send: string; reply: string; closes: boolean }[] = [];
for (const line of readFileSync(new URL("samples.txt", import.meta.url), "utf8").split("\n")) {
  if (line === "" || line.startsWith("//")) continue;
  const send = unescape(line);
  samples.push({ send, ...(await ask(server.port, send)) });
}
await server.stop();
const lines = samples.map((sample) => JSON.stringify(sample)).join(",\n");
writeFileSync(
  new URL("samples.json", import.meta.url),
  `{"memcached": ${JSON.stringify(server.version)}, "samples": [\n${lines}\n]}\n`,
);
process.stdout.write(`${samples.length} samples of memcached ${server.version}\n`);

/** `\r`, `\n`, `\t`, `\0`, `\xff` and `{text*count}`. */
function unescape(line: string): string {
  const repeated = line.replaceAll(/\{(.+?)\*(\d+)\}/g, (_, text: string, count: string) => text.repeat(Number(count)));
  return repeated.replaceAll(/\\(x[0-9a-f]{2}|.)/g, (_, code: string) => {
    if (code.startsWith("x")) return String.fromCharCode(Number.parseInt(code.slice(1), 16));
    return { r: "\r", n: "\n", t: "\t", v: "\v", "0": "\0" }[code] ?? code;
  });
}

function ask(port: number, send: string): Promise<{ reply: string; closes: boolean }> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let reply = "";
    socket.setEncoding("latin1");
    socket.setTimeout(5_000, () => {
      socket.destroy();
      reject(new Error(`No end of the reply to ${JSON.stringify(send)} within 5 s: ${JSON.stringify(reply)}`));
    });
    socket.on("connect", () => socket.write(Buffer.from(`${send}mn\r\n`, "latin1")));
    socket.on("error", reject);
    socket.on("data", (data: string) => {
      reply += data;
      if (!reply.endsWith("MN\r\n")) return;
      socket.destroy();
      resolve({ reply: reply.slice(0, -4), closes: false });
    });
    socket.on("end", () => resolve({ reply, closes: true }));
  });
}
