// The calendar
export { type CivilTime, civilOfMs, formatIsoDate, msOfCivil } from "./civil-time.ts";

// Clocks
export type { Clock, Timer, TimerClock } from "./clock.ts";
export { FakeClock } from "./fake-clock.ts";

// Seeded randomness
export { createRandom, type Random, seeds } from "./random.ts";
