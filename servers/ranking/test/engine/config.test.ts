import { expect, test } from "vitest";
import { Config } from "../../src/engine/config/config.ts";
import { PARAMETERS } from "../../src/engine/config/parameters.ts";
import { outputLimits } from "../../src/engine/config/special-parameters.ts";
import { EngineDriver } from "../support/engine-driver.ts";

test.each(PARAMETERS)("$name has a default that it takes itself", ({ initial, parse }) => {
  expect(parse(initial, initial)).toEqual({ value: initial });
});

test.each([
  { name: "maxmemory", given: "100mb", value: "104857600", why: "mb are 2^20" },
  { name: "maxmemory", given: "1k", value: "1000", why: "k are thousands" },
  { name: "maxmemory", given: "1.5gb", error: "must be a memory value", why: "no fractions" },
  { name: "maxmemory-clients", given: "5%", value: "5%", why: "a part of maxmemory" },
  { name: "maxmemory-clients", given: "101%", error: "less or equal to 100", why: "more than all" },
  { name: "appendfsync", given: "ALWAYS", value: "always", why: "words in any case" },
  { name: "timeout", given: "+1", error: "couldn't be parsed into an integer", why: "no plus sign" },
  { name: "hz", given: "2147483648", error: "between 0 and 2147483647 inclusive", why: "32 bits" },
  { name: "save", given: "100 2 3 4", value: "100 2 3 4", why: "two rules" },
  { name: "save", given: "100", error: "Invalid save parameters", why: "half a rule" },
  { name: "notify-keyspace-events", given: "g$lshzxetdKE", value: "AKE", why: "all classes are A" },
  { name: "notify-keyspace-events", given: "Eb", value: "Eb", why: "ours has a letter" },
  { name: "client-output-buffer-limit", given: "slave 1kb 2kb", error: "Wrong number", why: "one is missing" },
  { name: "databases", given: "3", error: "can't set immutable config", why: "only at the start" },
  { name: "dir", given: "/", error: "can't set protected config", why: "a path" },
])("CONFIG SET $name $given: $why", ({ name, given, value, error }) => {
  const config = new Config();
  const fault = config.set([[name, given]], false);
  if (error === undefined) expect([fault, config.get(name)]).toEqual([undefined, value]);
  else
    expect(fault).toMatch(
      new RegExp(`^ERR CONFIG SET failed \\(possibly related to argument '${name}'\\) - .*${error}`),
    );
});

test("a class of clients that is not named keeps its output limits", () => {
  const config = new Config();
  config.set([["client-output-buffer-limit", "replica 1kb 2kb 3"]], false);
  expect(outputLimits(config.get("client-output-buffer-limit"))).toEqual(
    new Map([
      ["normal", { hardBytes: 0, softBytes: 0, softSeconds: 0 }],
      ["slave", { hardBytes: 1_024, softBytes: 2_048, softSeconds: 3 }],
      ["pubsub", { hardBytes: 33_554_432, softBytes: 8_388_608, softSeconds: 60 }],
    ]),
  );
});

test("several parameters are set all or none, also when putting them into force fails", () => {
  const config = new Config();
  const applied: string[] = [];
  config.onChange("timeout", (value) => void applied.push(`timeout ${value}`));
  config.onChange("appendonly", (value) => (value === "yes" ? "there is no directory" : void applied.push(value)));
  applied.length = 0;
  const pairs = [
    ["timeout", "5"],
    ["appendonly", "yes"],
    ["hz", "20"],
  ] as const;
  expect(config.set(pairs, false)).toBe(
    "ERR CONFIG SET failed (possibly related to argument 'appendonly') - there is no directory",
  );
  expect(applied).toEqual(["timeout 5", "timeout 0"]);
  expect([config.get("timeout"), config.get("appendonly"), config.get("hz")]).toEqual(["0", "no", "10"]);
  expect(
    config.set(
      [
        ["timeout", "5"],
        ["hz", "x"],
      ],
      false,
    ),
  ).toMatch(/'hz'/);
  expect(config.get("timeout")).toBe("0");
});

test("the start of the server sets what CONFIG SET may not, and refuses what there is not", () => {
  const config = new Config();
  expect(
    config.load([
      ["databases", "16"],
      ["dir", "/data"],
      ["enable-debug-command", "yes"],
    ]),
  ).toBeUndefined();
  expect(config.get("dir")).toBe("/data");
  expect(config.load([["nosuch", "1"]])).toBe("Unknown parameter 'nosuch'");
});

test("a parameter is found by its older name, and by patterns under both", () => {
  const config = new Config();
  config.set([["lua-time-limit", "7"]], false);
  expect([...config.find(["*time-limit", "busy-reply-THRESHOLD", "nosuch"])]).toEqual([
    ["lua-time-limit", "7"],
    ["busy-reply-THRESHOLD", "7"],
  ]);
});

test("only one applier may own a parameter, and it hears the present value at once", () => {
  const config = new Config();
  const heard: string[] = [];
  config.onChange("timeout", (value) => void heard.push(value));
  expect(heard).toEqual(["0"]);
  expect(() => config.onChange("timeout", () => undefined)).toThrow("has an applier already");
  expect(() => config.onChange("nosuch", () => undefined)).toThrow('There is no parameter "nosuch"');
});

test("CONFIG REWRITE gives the shell what is not as by default, quoted", () => {
  const lines: string[] = [];
  const rewriteConfig = (given: readonly string[]): string => {
    lines.push(...given);
    return "";
  };
  const driver = new EngineDriver(1, { shell: { rewriteConfig } });
  driver.do("CONFIG", "SET", "timeout", 5, "requirepass", 'a"b\n');
  expect(driver.do("CONFIG", "REWRITE")).toBe("+OK\r\n");
  expect(lines).toEqual(['timeout "5"', 'requirepass "a\\"b\\n"']);
  expect(new EngineDriver().do("CONFIG", "REWRITE")).toBe("-ERR The server is running without a config file\r\n");
});

test("the engine obeys what is set", () => {
  const { engine, ...driver } = new EngineDriver();
  expect(driver).toBeDefined();
  engine.config.set(
    [
      ["maxmemory", "1mb"],
      ["maxmemory-policy", "allkeys-lfu"],
      ["lfu-decay-time", "3"],
      ["notify-keyspace-events", "Kx"],
      ["slowlog-log-slower-than", "5"],
    ],
    false,
  );
  expect(engine.maxMemoryBytes).toBe(1_048_576);
  expect(engine.store.access).toMatchObject({ isLfu: true, decayMinutes: 3 });
  expect(engine.notifiedClasses & 64).toBe(64);
  expect(engine.observer.slowUs).toBe(5);
});
