import { runObjects } from "./part.ts";

await runObjects({ argv: process.argv.slice(2), env: process.env });
