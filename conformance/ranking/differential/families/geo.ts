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
  if (v.chance(0.5)) return [v.one(...LONGITUDES), v.one(...LATITUDES)];
  const near = (degrees: number): string => String(degrees + v.random.int(-40_000, 40_000) / v.one(1e4, 1e5, 1e7));
  return v.chance(0.7) ? [near(139.7), near(35.68)] : [near(v.one(-179.9, 0, 179.9)), near(v.one(-84, 0, 84))];
}

const MEMBERS = ["a", "b", "c", "d", "e", "f", "g", "h"] as const;

function unit(v: Vocabulary): string {
  return v.one("m", "km", "mi", "ft", "KM", "x");
}

function extras(v: Vocabulary): readonly string[] {
  return [
    ...v.maybe(0.4, "WITHCOORD"),
    ...v.maybe(0.4, "WITHDIST"),
    ...v.maybe(0.2, "WITHHASH"),
    ...v.maybe(0.3, "COUNT", v.one("1", "2", "5", "0", "x"), ...v.maybe(0.2, "ANY")),
    ...v.maybe(0.7, v.one("ASC", "DESC")),
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
    ...v.maybe(0.3, v.one("NX", "XX", "CH")),
    ...v.many(1, 6, () => [...place(v), v.one(...MEMBERS)]),
  ],
  (v, k) => ["GEODIST", k, v.one("a", "b", "x"), v.one("a", "b", "c"), ...v.maybe(0.6, unit(v))],
  (v, k) => [v.one("GEOHASH", "GEOPOS"), k, ...v.many(0, 3, () => v.one("a", "b", "c", "x"))],
  (v, k) => ["GEOSEARCH", k, ...shape(v), ...extras(v)],
  (v, k) => ["GEOSEARCHSTORE", v.key("g"), k, ...shape(v)],
  (v, k) => [v.one("GEORADIUS", "GEORADIUS_RO"), k, ...place(v), v.one("1", "100", "5000"), unit(v), ...extras(v)],
  (v, k) => ["GEORADIUSBYMEMBER", k, v.one("a", "b", "x"), v.one("1", "100", "5000"), unit(v), ...extras(v)],
  (v, k) => ["GEORADIUS", k, ...place(v), v.one("100", "5000"), unit(v), "STORE", v.key("g")],
  (_, k) => ["ZRANGE", k, "0", "-1", "WITHSCORES"],
];

/** Stores distances in `target`, and shows who is in it. */
function storeDistances(v: Vocabulary, key: string, target: string): Step[] {
  const store = v.chance(0.5)
    ? ["GEOSEARCHSTORE", target, key, ...shape(v), "STOREDIST"]
    : ["GEORADIUS", key, ...place(v), v.one("100", "5000"), unit(v), "STOREDIST", target];
  // The last digit of a distance hangs on how the machine's sine rounds, so the scores are not looked at.
  return [command(...store), command("ZRANGE", target, "0", "-1"), command("DEL", target)];
}

/** Places on the globe. */
export const GEO: Family = {
  name: "geo",
  weight: 1,
  next: (v): Step[] =>
    v.chance(0.05)
      ? storeDistances(v, v.key("g"), "distances")
      : [command(...v.spoiled(v.random.pick(BUILDERS)(v, v.key("g"))))],
};
