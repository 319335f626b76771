import { TextClient } from "./text-client.ts";

/** A request and what was said to it. */
export interface Exchange {
  readonly request: string;
  readonly reply: string;
  readonly askedAtMs: number;
}

/** A client that sets, reads and deletes keys of its own, one request after the other, until it is told to stop. */
export class LoadingClient {
  /** Replies that are neither success nor a miss. */
  readonly failures: Exchange[] = [];
  /** Reads of a value that a later confirmed change had ended. */
  readonly stale: Exchange[] = [];
  storedCount = 0;
  hitCount = 0;
  readonly #client: TextClient;
  readonly #name: string;
  /** What a read of the key may find beside nothing. A failed change leaves both what was and what would be. */
  readonly #possible = new Map<string, ReadonlySet<string>>();
  #isStopped = false;
  readonly #done: Promise<void>;

  private constructor(client: TextClient, name: string) {
    this.#client = client;
    this.#name = name;
    this.#done = this.#run();
  }

  static async start(port: number, name: string): Promise<LoadingClient> {
    return new LoadingClient(await TextClient.connect(port), name);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#done;
    this.#client.close();
  }

  async #run(): Promise<void> {
    for (let count = 0; !this.#isStopped; count++) {
      const key = `${this.#name}-${count % 40}`;
      if (count % 3 === 0) await this.#set(key, String(count));
      else if (count % 61 === 0) await this.#delete(key);
      else await this.#get(key);
    }
  }

  async #set(key: string, value: string): Promise<void> {
    const exchange = await this.#ask(`set ${key} 0 0 ${value.length}\r\n${value}\r\n`);
    if (exchange.reply === "STORED\r\n") {
      this.storedCount++;
      this.#possible.set(key, new Set([value]));
      return;
    }
    this.failures.push(exchange);
    this.#possible.set(key, new Set([...(this.#possible.get(key) ?? []), value]));
  }

  async #delete(key: string): Promise<void> {
    const exchange = await this.#ask(`delete ${key}\r\n`);
    if (/^(DELETED|NOT_FOUND)\r\n$/.test(exchange.reply)) this.#possible.set(key, new Set());
    else this.failures.push(exchange);
  }

  async #get(key: string): Promise<void> {
    const exchange = await this.#ask(`get ${key}\r\n`);
    if (exchange.reply === "END\r\n") return;
    const value = /^VALUE \S+ 0 \d+\r\n(\d+)\r\nEND\r\n$/.exec(exchange.reply)?.[1];
    if (value === undefined) {
      this.failures.push(exchange);
      return;
    }
    this.hitCount++;
    if (!this.#possible.get(key)?.has(value)) this.stale.push(exchange);
  }

  async #ask(request: string): Promise<Exchange> {
    const askedAtMs = performance.now();
    const isGet = request.startsWith("get ");
    return { request, reply: await this.#client.next(request, isGet ? GET_END : LINE_END), askedAtMs };
  }
}

const LINE_END = /\r\n$/;
const GET_END = /(?:^|\n)END\r\n$|^SERVER_ERROR [^\r]*\r\n$/;
