/** Things that are not in the heap, by number: containers and values too big for a block. */
export class ObjectTable<T> {
  readonly #objects: (T | undefined)[] = [];
  readonly #free: number[] = [];

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

  put(id: number, object: T): void {
    this.#objects[id] = object;
  }

  remove(id: number): void {
    this.#objects[id] = undefined;
    this.#free.push(id);
    if (this.#free.length === this.#objects.length) this.clear();
  }

  clear(): void {
    this.#objects.length = 0;
    this.#free.length = 0;
  }
}
