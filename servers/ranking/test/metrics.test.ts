import { eventually } from "@kagami/testkit";
import { expect, test } from "vitest";
import { startServer } from "./support/start-server.ts";
import { request, WireClient } from "./support/wire-client.ts";

/** The samples of a scrape by name with labels. */
async function scrape(address: string | undefined): Promise<Map<string, number>> {
  const text = await (await fetch(`http://${address}/metrics`)).text();
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ")))]),
  );
}

test("a scraper is told of calls, errors, time and durations by command, and a RESETSTAT begins anew", async () => {
  const server = await startServer({ admin: "127.0.0.1:0" });
  const client = await WireClient.open(server.address);
  await client.ask(request("SET", "k", "1").repeat(10), "+OK\r\n".repeat(10));
  client.send(request("LPUSH", "k", "1") + request("GET", "a", "b"));
  await eventually(() => client.received.includes("wrong number of arguments"));
  await client.take(client.received.length);
  const found = await scrape(server.addresses.admin);
  const of = (name: string, command: string, more = ""): number | undefined =>
    found.get(`kagami_ranking_${name}{command="${command}"${more}}`);
  expect(of("commands_total", "set")).toBe(10);
  expect(of("command_seconds_total", "set")).toBeGreaterThan(0);
  expect(of("command_errors_total", "lpush")).toBe(1);
  expect(of("command_rejections_total", "get")).toBe(1);
  expect(of("command_duration_seconds_bucket", "set", ',le="+Inf"')).toBe(10);
  expect(of("command_duration_seconds_count", "set")).toBe(10);
  const bounds = [...found].filter(([name]) => name.includes('duration_seconds_bucket{command="set"'));
  expect(bounds).toHaveLength(12);
  const counts = bounds.map(([, count]) => count);
  expect(counts).toEqual([...counts].sort((a, b) => a - b));
  await client.ask(request("CONFIG", "RESETSTAT") + request("SET", "k", "1"), "+OK\r\n+OK\r\n");
  const again = await scrape(server.addresses.admin);
  expect(again.get('kagami_ranking_commands_total{command="set"}')).toBe(1);
  expect(again.get('kagami_ranking_command_duration_seconds_count{command="set"}')).toBe(1);
  client.close();
  await server.close();
});

test("a scraper is told of keys and memory by type, of clients by what they do, and of hits", async () => {
  const server = await startServer({ admin: "127.0.0.1:0" });
  const [client, waiting] = [await WireClient.open(server.address), await WireClient.open(server.address)];
  waiting.send(request("BLPOP", "nothing", "0"));
  await client.ask(request("SET", "k", "x".repeat(10_000)), "+OK\r\n");
  await client.ask(request("RANK.ADD", "ann", "5", "BOARDS", "1", "today"), "*1\r\n$1\r\n5\r\n");
  await client.ask(request("GET", "k"), `$10000\r\n${"x".repeat(10_000)}\r\n`);
  await client.ask(request("GET", "none"), "$-1\r\n");
  const found = await eventually(async () => {
    const samples = await scrape(server.addresses.admin);
    return samples.get('kagami_ranking_type_keys{type="rank-board"}') === 1 ? samples : undefined;
  });
  expect(found.get('kagami_ranking_type_bytes{type="string"}')).toBeGreaterThan(10_000);
  expect(found.get('kagami_ranking_type_keys{type="string"}')).toBe(1);
  expect(found.get('kagami_ranking_clients{state="blocked"}')).toBe(1);
  expect(found.get('kagami_ranking_clients{state="normal"}')).toBe(1);
  expect(found.get("kagami_ranking_key_hits_total")).toBe(1);
  expect(found.get("kagami_ranking_key_misses_total")).toBe(1);
  expect(found.get('kagami_ranking_memory_bytes{kind="used"}')).toBeGreaterThan(10_000);
  for (const one of [client, waiting]) one.close();
  await server.close();
});
