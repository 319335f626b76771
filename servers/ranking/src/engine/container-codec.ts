import type { RdbValue } from "../protocol/rdb/index.ts";
import type { Container } from "./container.ts";
import type { Store } from "./store.ts";

/** How the values of one container type and their neutral form, which DUMP and files have, become each other. */
export interface ContainerCodec {
  /** The form that it reads. */
  readonly kind: RdbValue["kind"];
  /**
   * The elements in their order (a sorted set's by score), in memory of their own: SORT keeps them while it changes the
   * store.
   */
  toRdb(container: Container): RdbValue;
  /**
   * The container; `undefined` if the value is of another kind, or has a member or field twice. Nothing is left behind
   * then.
   *
   * @throws CommandError if a member or field is too long.
   */
  fromRdb(store: Store, value: RdbValue): Container | undefined;
}
