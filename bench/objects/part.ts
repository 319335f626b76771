import type { Part } from "../src/scenario.ts";
import { background } from "./background.ts";
import { catchUp } from "./catch-up.ts";
import { expiry } from "./expiry.ts";
import { kills } from "./kills/kills.ts";
import { large } from "./large.ts";
import { many } from "./many.ts";
import { mix } from "./mix.ts";
import { scrub } from "./scrub.ts";
import { small } from "./small.ts";

/** The object store beside s3rver, nginx and Ceph's RGW, and a load generator for any S3 server. */
export const objectsPart: Part = {
  name: "objects",
  summary: "The object store beside s3rver, nginx and Ceph RGW; mixed load for any S3 server",
  scenarios: [small, large, many, expiry, background, scrub, catchUp, mix, kills],
  flags: [
    {
      name: "url",
      value: "URL",
      about: "An S3 server that runs already; keys from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    },
    {
      name: "mix",
      value: "MIX",
      about: "put:10KB@100/s,get:1KB-1MB@1000/s,list@5/s (open loop) or put:4KB*1,get:4KB*9 (closed)",
    },
    { name: "connections", value: "N", about: "Connections of the load; 32 if absent" },
    {
      name: "objects",
      value: "N",
      about: "Objects of each size that reads choose from; how many there are in many and expiry",
    },
    { name: "keys", value: "HOW", about: "uniform, sequential, latest or zipf:EXPONENT" },
    { name: "arrivals", value: "HOW", about: "even or poisson, for the open loop" },
    { name: "signing", value: "HOW", about: "header or presigned" },
    { name: "bucket", value: "NAME", about: "Made if it is not there; kagami-bench if absent" },
    { name: "warm-up", value: "N", about: "Seconds of load before measuring; 2 if absent" },
    { name: "reuse", value: "yes", about: "The objects are there from an earlier run; store none" },
    { name: "keep", value: "DIR", about: "Where many leaves its stores, and finds them full the next time" },
    { name: "html", value: "FILE", about: "Write a page with charts" },
  ],
};
