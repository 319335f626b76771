// The border

// The shard below it
export { type IndexEngineName, openStore, type StoreOptions } from "./storage/open-store.ts";
export {
  type Bucket,
  type ObjectEntry,
  type ObjectStore,
  StoreError,
  type StoreErrorCode,
} from "./store/object-store.ts";
