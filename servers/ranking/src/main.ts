import { runRanking } from "./part.ts";

await runRanking({ argv: process.argv.slice(2), env: process.env });
