import { runCacheproxy } from "./part.ts";

await runCacheproxy({ argv: process.argv.slice(2), env: process.env });
