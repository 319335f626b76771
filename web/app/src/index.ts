// The faces of the running page: what tests in a browser and other programs may rely on.
export type { PlayerMode } from "./player/ladder.ts";
export type { KagamiPlayer, PlayerStats } from "./player/player-stats.ts";
