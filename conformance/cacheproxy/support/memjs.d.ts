/** What the tests use of memjs 1.3, which has no declarations of its own. */
declare module "memjs" {
  interface Answer<T> {
    readonly value: T | null;
  }
  interface Options {
    readonly expires?: number;
  }
  interface CounterOptions extends Options {
    readonly initial?: number;
  }
  type Value = string | Uint8Array;
  class Client {
    static create(servers: string, options?: { readonly timeout?: number; readonly retries?: number }): Client;
    get(key: string): Promise<Answer<Buffer>>;
    set(key: string, value: Value, options: Options): Promise<boolean>;
    add(key: string, value: Value, options: Options): Promise<boolean>;
    replace(key: string, value: Value, options: Options): Promise<boolean>;
    append(key: string, value: Value): Promise<boolean>;
    increment(key: string, amount: number, options: CounterOptions): Promise<Answer<number>>;
    decrement(key: string, amount: number, options: CounterOptions): Promise<Answer<number>>;
    touch(key: string, expires: number): Promise<boolean>;
    delete(key: string): Promise<boolean>;
    close(): void;
  }

  export { Client };
}
