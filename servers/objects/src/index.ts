// Running the store
export { configSchema, type ObjectsConfig } from "./config.ts";
export { ObjectsError, type ObjectsErrorCode } from "./errors.ts";
export { objectsPart, runObjects } from "./part.ts";
export { type ObjectsServer, startObjectsServer } from "./server.ts";
// The shard below it
export { type IndexEngineName, openStore, type StoreOptions } from "./storage/open-store.ts";
// The border
export {
  type Bucket,
  type ObjectEntry,
  type ObjectStore,
  StoreError,
  type StoreErrorCode,
} from "./store/object-store.ts";
