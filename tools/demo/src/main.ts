import { runPart } from "@kagami/kit";
import { demoPart } from "./part.ts";

await runPart({ ...demoPart, argv: process.argv.slice(2), env: process.env });
