// Loaded before a server by the `expiry` scenario: each SIGUSR2 lets its clock jump a day ahead, and what it does every now
// and then it does every second, so that nobody has to wait for it. Nobody else loads this.

const DAY_MS = 86_400_000;
const LONGEST_INTERVAL_MS = 1_000;
const realNow = Date.now;
const realSetInterval = globalThis.setInterval;
let offsetMs = 0;

Date.now = () => realNow() + offsetMs;
process.on("SIGUSR2", () => {
  offsetMs += DAY_MS;
});
globalThis.setInterval = ((work: () => void, ms?: number) =>
  realSetInterval(work, Math.min(ms ?? 1, LONGEST_INTERVAL_MS))) as typeof setInterval;
