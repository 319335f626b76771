// The border
export {
  type Bucket,
  type ObjectEntry,
  type ObjectStore,
  StoreError,
  type StoreErrorCode,
} from "./store/object-store.ts";
