import { beforeEach, expect, test } from "vitest";
import { md5Base64, useSession } from "./support/session.ts";

const s3 = useSession("lifecycle");
const DAY_MS = 86_400_000;

function document(...rules: readonly string[]): string {
  return `<LifecycleConfiguration>${rules.map((rule) => `<Rule>${rule}</Rule>`).join("")}</LifecycleConfiguration>`;
}

function write(body: string) {
  return s3.send({ method: "PUT", query: { lifecycle: "" }, body, headers: { "content-md5": md5Base64(body) } });
}

const ON = "<Status>Enabled</Status>";
const EVERYTHING = "<Filter><Prefix></Prefix></Filter>";
const A_WEEK = "<Expiration><Days>7</Days></Expiration>";

beforeEach(() => s3.send({ method: "DELETE", query: { lifecycle: "" } }));

test.each([
  { rule: `<ID>week</ID>${EVERYTHING}${ON}${A_WEEK}`, why: "everything after a week" },
  { rule: `<Filter/>${ON}${A_WEEK}`, why: "an empty filter is everything" },
  { rule: `<Prefix>live/</Prefix>${ON}${A_WEEK}`, why: "the prefix of old, outside a filter" },
  { rule: `<Filter><Prefix>live/</Prefix></Filter>${ON}${A_WEEK}`, why: "a prefix" },
  { rule: `<Filter><Tag><Key>kind</Key><Value>tmp</Value></Tag></Filter>${ON}${A_WEEK}`, why: "a tag" },
  {
    rule: `<Filter><ObjectSizeGreaterThan>1000</ObjectSizeGreaterThan></Filter>${ON}${A_WEEK}`,
    why: "objects above a size",
  },
  { rule: `<Filter><ObjectSizeLessThan>1000</ObjectSizeLessThan></Filter>${ON}${A_WEEK}`, why: "objects below a size" },
  {
    rule: `<Filter><And><Prefix>a/</Prefix><Tag><Key>k</Key><Value>v</Value></Tag><Tag><Key>l</Key><Value>w</Value></Tag><ObjectSizeGreaterThan>10</ObjectSizeGreaterThan></And></Filter>${ON}${A_WEEK}`,
    why: "all of these together",
  },
  { rule: `${EVERYTHING}<Status>Disabled</Status>${A_WEEK}`, why: "a rule that rests" },
  {
    rule: `${EVERYTHING}${ON}<Expiration><Date>2050-01-01T00:00:00.000Z</Date></Expiration>`,
    why: "a day of the calendar",
  },
  {
    rule: `${EVERYTHING}${ON}<AbortIncompleteMultipartUpload><DaysAfterInitiation>2</DaysAfterInitiation></AbortIncompleteMultipartUpload>`,
    why: "uploads that nobody completes",
  },
  {
    rule: `${EVERYTHING}${ON}<NoncurrentVersionExpiration><NoncurrentDays>3</NoncurrentDays></NoncurrentVersionExpiration>`,
    why: "old versions",
  },
  {
    rule: `${EVERYTHING}${ON}<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>`,
    why: "markers with nothing behind them",
  },
])("a rule for $why comes back as it was put", async ({ rule }) => {
  expect((await write(document(rule))).status).toBe(200);
  const answer = await s3.send({ query: { lifecycle: "" } });
  expect(answer.status).toBe(200);
  // Every value of the rule is there again, whatever else the server fills in.
  for (const [, tag, text] of rule.matchAll(/<(\w+)>([^<]+)<\//g)) {
    expect(answer.values(String(tag)), tag).toContain(text);
  }
});

test("a configuration goes", async () => {
  await write(document(`${EVERYTHING}${ON}${A_WEEK}`));
  expect((await s3.send({ method: "DELETE", query: { lifecycle: "" } })).status).toBe(204);
  expect((await s3.send({ query: { lifecycle: "" } })).outcome).toBe("404 NoSuchLifecycleConfiguration");
});

test("a rule without a name gets one", async () => {
  await write(document(`${EVERYTHING}${ON}${A_WEEK}`));
  expect((await s3.send({ query: { lifecycle: "" } })).value("ID")).not.toBe("");
});

test.each([
  { body: "", outcome: /^400 (MalformedXML|MissingRequestBodyError)$/, why: "nothing" },
  { body: "<LifecycleConfiguration/>", outcome: /^400 MalformedXML$/, why: "no rule" },
  { body: "<LifecycleConfiguration><Rule>", outcome: /^400 MalformedXML$/, why: "it breaks off" },
  {
    body: document(`${EVERYTHING}${ON}`),
    outcome: /^400 (InvalidRequest|MalformedXML)$/,
    why: "a rule that does nothing",
  },
  { body: document(`${EVERYTHING}${A_WEEK}`), outcome: /^400 MalformedXML$/, why: "no status" },
  {
    body: document(`${EVERYTHING}<Status>enabled</Status>${A_WEEK}`),
    outcome: /^400 MalformedXML$/,
    why: "a status in lower case",
  },
  { body: document(`${ON}${A_WEEK}`), outcome: /^400 MalformedXML$/, why: "neither filter nor prefix" },
  {
    body: document(`${EVERYTHING}${ON}<Expiration><Days>0</Days></Expiration>`),
    outcome: /^400 InvalidArgument$/,
    why: "no days",
  },
  {
    body: document(`${EVERYTHING}${ON}<Expiration><Days>-1</Days></Expiration>`),
    outcome: /^400 (InvalidArgument|MalformedXML)$/,
    why: "days before today",
  },
  {
    body: document(`${EVERYTHING}${ON}<Expiration><Days>soon</Days></Expiration>`),
    outcome: /^400 MalformedXML$/,
    why: "days that are no number",
  },
  {
    body: document(`${EVERYTHING}${ON}<Expiration><Date>2050-01-01T12:34:56.000Z</Date></Expiration>`),
    outcome: /^400 InvalidArgument$/,
    why: "a day that does not begin at midnight",
  },
  {
    body: document(`${EVERYTHING}${ON}<Expiration><Days>1</Days><Date>2050-01-01T00:00:00.000Z</Date></Expiration>`),
    outcome: /^400 (MalformedXML|InvalidRequest)$/,
    why: "days and a date",
  },
  {
    body: document(
      `<ID>same</ID>${EVERYTHING}${ON}${A_WEEK}`,
      `<ID>same</ID><Filter><Prefix>b</Prefix></Filter>${ON}${A_WEEK}`,
    ),
    outcome: /^400 InvalidArgument$/,
    why: "two rules of one name",
  },
  {
    body: document(`<ID>${"x".repeat(256)}</ID>${EVERYTHING}${ON}${A_WEEK}`),
    outcome: /^400 InvalidArgument$/,
    why: "a name of 256 characters",
  },
  {
    body: document(`<Filter><Prefix>a</Prefix><Tag><Key>k</Key><Value>v</Value></Tag></Filter>${ON}${A_WEEK}`),
    outcome: /^400 MalformedXML$/,
    why: "two filters without And",
  },
  {
    body: document(`${EVERYTHING}${ON}<Transition><Days>1</Days><StorageClass>NO_SUCH</StorageClass></Transition>`),
    outcome: /^(400 |501 NotImplemented)/,
    why: "a class that there is not",
  },
])("$outcome: $why", async ({ body, outcome }) => {
  expect((await write(body)).outcome).toMatch(outcome);
  expect((await s3.send({ query: { lifecycle: "" } })).outcome).toBe("404 NoSuchLifecycleConfiguration");
});

test("1,001 rules are one too many", async () => {
  const rules = Array.from(
    { length: 1_001 },
    (_, i) => `<ID>r${i}</ID><Filter><Prefix>p${i}/</Prefix></Filter>${ON}${A_WEEK}`,
  );
  expect((await write(document(...rules.slice(1)))).status).toBe(200);
  expect((await write(document(...rules))).status).toBe(400);
});

test("an object says by which rule it will expire, and when", async () => {
  await write(document(`<ID>week</ID><Filter><Prefix>live/</Prefix></Filter>${ON}${A_WEEK}`));
  const put = await s3.put("live/1", "x");
  const got = await s3.send({ key: "live/1" });
  for (const answer of [put, got, await s3.send({ method: "HEAD", key: "live/1" })]) {
    const said = /^expiry-date="([^"]+)"(?:, rule-id="week")?$/.exec(String(answer.headers["x-amz-expiration"]));
    const expires = new Date(said?.[1] ?? "").getTime();
    // S3 counts days from the next midnight.
    expect(expires).toBeGreaterThanOrEqual(Date.now() + 6 * DAY_MS);
    expect(expires).toBeLessThanOrEqual(Date.now() + 8 * DAY_MS);
    expect(expires % DAY_MS).toBe(0);
  }
  expect(put.headers["x-amz-expiration"]).toContain('rule-id="week"');
  await s3.put("kept/1", "x");
  expect((await s3.send({ key: "kept/1" })).headers["x-amz-expiration"]).toBeUndefined();
});

test("of several rules that fit the soonest decides", async () => {
  const month = "<Expiration><Days>30</Days></Expiration>";
  await write(
    document(
      `<ID>month</ID>${EVERYTHING}${ON}${month}`,
      `<ID>week</ID><Filter><Prefix>live/</Prefix></Filter>${ON}${A_WEEK}`,
    ),
  );
  const soon = await s3.put("live/2", "x");
  expect(soon.headers["x-amz-expiration"]).toContain('rule-id="week"');
  const late = await s3.put("other/2", "x");
  expect(late.headers["x-amz-expiration"]).toContain('rule-id="month"');
});

test.each([
  { filter: "<ObjectSizeGreaterThan>4</ObjectSizeGreaterThan>", body: "12345", expires: true },
  { filter: "<ObjectSizeGreaterThan>5</ObjectSizeGreaterThan>", body: "12345", expires: false },
  { filter: "<ObjectSizeLessThan>6</ObjectSizeLessThan>", body: "12345", expires: true },
  { filter: "<ObjectSizeLessThan>5</ObjectSizeLessThan>", body: "12345", expires: false },
])("an object of five bytes expires by $filter: $expires", async ({ filter, body, expires }) => {
  await write(document(`<Filter>${filter}</Filter>${ON}${A_WEEK}`));
  const put = await s3.put("sized", body);
  expect(put.headers["x-amz-expiration"] !== undefined).toBe(expires);
});
