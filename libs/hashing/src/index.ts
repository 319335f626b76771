// Choosing a node for a key

// Hashes of keys
export type { KeyHash } from "./key-hashes/key-hash.ts";
export { LIBMEMCACHED_HASHES, TWEMPROXY_HASHES } from "./key-hashes/key-hash-names.ts";
// Our own placement
export { keySlotHash } from "./key-hashes/key-slot-hash.ts";
// Placements by name, those of existing fleets among them
export {
  keyHashNamesOf,
  type PlacementKind,
  type PlacementServer,
  type PlacementSpec,
  selectorFor,
} from "./placement.ts";
export type { DerivingSelector, HashNode, Selector, SelectorFactory } from "./selector.ts";
export { selectorFactories } from "./selectors/selector-factories.ts";
export { SLOT_COUNT, SlotTable, slotOf } from "./slot-table.ts";
