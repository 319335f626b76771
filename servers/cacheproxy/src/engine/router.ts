import type { Route } from "./cluster.ts";

interface Node {
  /** Position of the route whose prefix ends here; that of the longest shorter one, or -1, if none does. */
  route: number;
  readonly children: (Node | undefined)[];
}

/**
 * Finds the route of a key: the one with the longest prefix that the key begins with. A trie with one node for each byte
 * of the prefixes, so a key costs a step for each byte of its prefix, however many routes there are.
 */
export class Router {
  readonly #root: Node = makeNode(-1);
  readonly #isTrivial: boolean;

  /** @param routes Prefixes count by their bytes in UTF-8. */
  constructor(routes: readonly Route[]) {
    const encoder = new TextEncoder();
    // Shorter ones first: then a node's parent knows the route that the node inherits.
    const sorted = routes.map(({ prefix }, i) => ({ bytes: encoder.encode(prefix), i }));
    for (const { bytes, i } of sorted.sort((a, b) => a.bytes.length - b.bytes.length)) this.#add(bytes, i);
    this.#isTrivial = this.#root.children.length === 0;
  }

  #add(prefix: Uint8Array, route: number): void {
    let node = this.#root;
    for (const byte of prefix) {
      let child = node.children[byte];
      if (!child) {
        child = makeNode(node.route);
        if (node.children.length === 0) for (let i = 0; i < 256; i++) node.children.push(undefined);
        node.children[byte] = child;
      }
      node = child;
    }
    node.route = route;
  }

  /** Position of the route of the key `bytes[start, end)`, or -1 if no prefix fits. */
  find(bytes: Uint8Array, start: number, end: number): number {
    let node = this.#root;
    if (this.#isTrivial) return node.route;
    for (let i = start; i < end; i++) {
      const child = node.children[bytes[i] as number];
      if (!child) break;
      node = child;
    }
    return node.route;
  }
}

function makeNode(route: number): Node {
  return { route, children: [] };
}
