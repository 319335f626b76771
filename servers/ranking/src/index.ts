export { RankingError, type RankingErrorCode } from "./errors.ts";
