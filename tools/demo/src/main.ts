import { HELP, parseCommand } from "./options.ts";
import { startDemoBroadcast } from "./publish.ts";

/** Exit codes: 0 clean, 1 could not start, 2 forced by a second signal. */
async function main(): Promise<number> {
  const command = parseCommand(process.argv.slice(2));
  if (typeof command === "string") {
    console.error(command);
    return 1;
  }
  if (command.help) {
    console.log(HELP);
    return 0;
  }
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => (stop.signal.aborted ? process.exit(2) : stop.abort()));
  }
  const { url, seed, width, height, fps, bitrateKbps, durationS, counter, beepOnly } = command;
  try {
    await startDemoBroadcast({
      url,
      signal: stop.signal,
      log: (event, fields) => console.log(JSON.stringify({ time: new Date().toISOString(), event, ...fields })),
      ...(durationS !== undefined && { durationS }),
      broadcast: { seed, width, height, fps, bitrateKbps, counter, audio: { beepOnly } },
    });
    return 0;
  } catch (error) {
    console.error((error as Error).message);
    return 1;
  }
}

process.exitCode = await main();
