// What is known of every command
export type { ArgumentFacts } from "./arguments.ts";
// Where the keys of a call stand
export type { CallArguments } from "./call-arguments.ts";
export { type CommandFacts, type CommandGroup, readCommandFacts } from "./facts.ts";
export { KeyPositions, keysOf, keysOrError, mayHaveKeys } from "./key-positions.ts";
export { type BeginSearch, type FindKeys, KEY_FLAG_NAMES, KeyFlag, type KeySpec } from "./key-spec.ts";
