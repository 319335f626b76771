const FIRST_OWNERS = 64;

/** Things that are not in the heap, by number: containers and values too big for a block. */
export class ObjectTable<T> {
  readonly #objects: (T | undefined)[] = [];
  readonly #free: number[] = [];
  /** The record of the key that has the object, or 0. */
  #owners = new Int32Array(FIRST_OWNERS);

  get size(): number {
    return this.#objects.length - this.#free.length;
  }

  add(object: T): number {
    const id = this.#free.pop() ?? this.#objects.length;
    this.#objects[id] = object;
    return id;
  }

  get(id: number): T {
    return this.#objects[id] as T;
  }

  /** The record of a key has the object; it must be told when it has it no more, by {@link remove}. */
  own(id: number, record: number): void {
    if (id >= this.#owners.length) {
      const owners = new Int32Array(2 * id);
      owners.set(this.#owners);
      this.#owners = owners;
    }
    this.#owners[id] = record;
  }

  /** The record that has the object of this number; 0 if it is none, or nobody's. */
  ownerOf(id: number): number {
    return this.#owners[id] ?? 0;
  }

  put(id: number, object: T): void {
    this.#objects[id] = object;
  }

  remove(id: number): void {
    this.#objects[id] = undefined;
    if (id < this.#owners.length) this.#owners[id] = 0;
    this.#free.push(id);
    if (this.#free.length === this.#objects.length) this.clear();
  }

  clear(): void {
    this.#objects.length = 0;
    this.#free.length = 0;
    if (this.#owners.length > FIRST_OWNERS) this.#owners = new Int32Array(FIRST_OWNERS);
  }
}
