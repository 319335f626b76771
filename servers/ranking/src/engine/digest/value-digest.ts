import { type Container, ValueType } from "../container.ts";
import { rebuildContainer } from "../rebuild/rebuilders.ts";
import { ByteView } from "../structures/byte-view.ts";
import { HashValue } from "../structures/hash-value.ts";
import { ListValue } from "../structures/list-value.ts";
import { SetForm, SetValue } from "../structures/set-value.ts";
import { SortedSet } from "../structures/sorted-set.ts";
import { addDigest, DigestMixer } from "./digest-mixer.ts";

const NO_KEY = new Uint8Array(0);

/**
 * Puts all that decides what a container replies, now and after any further command, into a digest: elements in their
 * order where they have one, forms that it never goes back from, versions, buckets. Where its blocks lie and in which
 * order its tables were filled makes no difference.
 */
export class ValueDigest {
  readonly #element = new DigestMixer();
  readonly #view = new ByteView();

  add(container: Container, into: DigestMixer): void {
    // Not that of a hash: a field whose time has come decides it until it is removed.
    if (container.type !== ValueType.hash) into.text(container.encoding);
    if (container instanceof ListValue) {
      container.forEach(0, container.size, (bytes, start, end) => into.bytes(bytes, start, end));
    } else if (container instanceof SetValue) this.#addSet(container, into);
    else if (container instanceof HashValue) this.#addHash(container, into);
    else if (container instanceof SortedSet) {
      container.forEach(0, container.size, false, (bytes, start, end, score) => {
        into.bytes(bytes, start, end);
        into.number(score);
      });
    } else this.#addRebuild(container, into);
  }

  #addSet(set: SetValue, into: DigestMixer): void {
    into.word(set.form);
    if (set.form !== SetForm.table) {
      set.forEachMember((bytes, start, end) => into.bytes(bytes, start, end));
      return;
    }
    const sum = new Int32Array(4);
    set.forEachMember((bytes, start, end) => {
      this.#element.begin();
      this.#element.bytes(bytes, start, end);
      addDigest(sum, this.#element.end());
    });
    into.word(set.size);
    into.digest(sum);
  }

  /** Fields whose time has come are not there; a packed hash keeps the others in the order in which they came. */
  #addHash(hash: HashValue, into: DigestMixer): void {
    const sum = new Int32Array(4);
    const element = hash.isPacked ? into : this.#element;
    let count = 0;
    into.word(hash.isPacked ? 1 : 0);
    hash.forEachField((field) => {
      if (!hash.isPacked) element.begin();
      hash.readField(field, this.#view);
      element.bytes(this.#view.bytes, this.#view.start, this.#view.end);
      hash.readValue(field, this.#view);
      element.bytes(this.#view.bytes, this.#view.start, this.#view.end);
      element.number(hash.expiryOf(field));
      if (!hash.isPacked) addDigest(sum, element.end());
      count++;
    });
    into.word(count);
    into.digest(sum);
  }

  /** Boards, windows and limiters: what makes them anew says all of them, in an order that is theirs. */
  #addRebuild(container: Container, into: DigestMixer): void {
    rebuildContainer(container, NO_KEY, (args) => {
      for (const arg of args) into.bytes(arg);
    });
  }
}
