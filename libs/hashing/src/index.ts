// Choosing a node for a key
export type { HashNode, Selector, SelectorFactory } from "./selector.ts";
