import { runPart } from "@kagami/kit";
import { livePart } from "./part.ts";

await runPart({ ...livePart, argv: process.argv.slice(2), env: process.env });
