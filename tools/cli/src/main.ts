import { runCli } from "./cli.ts";

process.exitCode = await runCli({
  argv: process.argv.slice(2),
  env: process.env,
  write: (text) => process.stdout.write(text),
  writeError: (text) => process.stderr.write(text),
});
