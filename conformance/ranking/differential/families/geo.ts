import { command, type Family, type Step } from "../step.ts";
import type { Vocabulary } from "../vocabulary.ts";

const LONGITUDES = [
  "13.361389",
  "15.087269",
  "0",
  "-122.27652",
  "180",
  "-180",
  "181",
  "x",
  "139.6917",
  "139.7",
] as const;
const LATITUDES = [
  "38.115556",
  "37.502669",
  "0",
  "37.805186",
  "85.05112878",
  "-85.06",
  "86",
  "35.6895",
  "35.69",
] as const;

function place(v: Vocabulary): readonly string[] {
  return [v.one(...LONGITUDES), v.one(...LATITUDES)];
}

function unit(v: Vocabulary): string {
  return v.one("m", "km", "mi", "ft", "KM", "x");
}

function extras(v: Vocabulary): readonly string[] {
  return [
    ...v.maybe(0.4, "WITHCOORD"),
    ...v.maybe(0.4, "WITHDIST"),
    ...v.maybe(0.2, "WITHHASH"),
    ...v.maybe(0.3, "COUNT", v.one("1", "2", "5", "0", "x")),
    v.one("ASC", "DESC"), // without an order the outcome follows the cells that are walked
  ];
}

function shape(v: Vocabulary): readonly string[] {
  const from = v.chance(0.5) ? ["FROMMEMBER", v.one("a", "b", "c", "none")] : ["FROMLONLAT", ...place(v)];
  const size = v.one("1", "100", "5000", "20000", "-1", "x");
  return [
    ...from,
    ...(v.chance(0.5) ? ["BYRADIUS", size, unit(v)] : ["BYBOX", size, v.one("10", "400", "8000"), unit(v)]),
  ];
}

const BUILDERS: readonly ((v: Vocabulary, key: string) => readonly string[])[] = [
  (v, k) => [
    "GEOADD",
    k,
    ...v.many(0, 1, () => v.one("NX", "XX", "CH")),
    ...v.many(1, 4, () => [...place(v), v.one("a", "b", "c", "d", "e")]),
  ],
  (v, k) => ["GEODIST", k, v.one("a", "b", "x"), v.one("a", "b", "c"), ...v.maybe(0.6, unit(v))],
  (v, k) => [v.one("GEOHASH", "GEOPOS"), k, ...v.many(0, 3, () => v.one("a", "b", "c", "x"))],
  (v, k) => ["GEOSEARCH", k, ...shape(v), ...extras(v)],
  (v, k) => ["GEOSEARCHSTORE", v.key("g"), k, ...shape(v), ...v.maybe(0.4, "STOREDIST")],
  (v, k) => [v.one("GEORADIUS", "GEORADIUS_RO"), k, ...place(v), v.one("1", "100", "5000"), unit(v), ...extras(v)],
  (v, k) => ["GEORADIUSBYMEMBER", k, v.one("a", "b", "x"), v.one("1", "100", "5000"), unit(v), ...extras(v)],
  (v, k) => ["GEORADIUS", k, ...place(v), v.one("100", "5000"), unit(v), v.one("STORE", "STOREDIST"), v.key("g")],
  (_, k) => ["ZRANGE", k, "0", "-1", "WITHSCORES"],
];

/** Places on the globe. */
export const GEO: Family = {
  name: "geo",
  weight: 1,
  next: (v): Step[] => [command(...v.spoiled(v.random.pick(BUILDERS)(v, v.key("g"))))],
};
