// Choosing a node for a key

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
export type { HashNode, Selector, SelectorFactory } from "./selector.ts";
export { SLOT_COUNT, SlotTable, slotOf } from "./slot-table.ts";
