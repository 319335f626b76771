import { runPart } from "@kagami/kit";
import { cacheproxyPart } from "./part.ts";

await runPart({ ...cacheproxyPart, argv: process.argv.slice(2), env: process.env });
