/** What the tests use of express-session 1.19, which has no declarations of its own. */
declare module "express-session" {
  import type { IncomingMessage, ServerResponse } from "node:http";

  export interface SessionData {
    visits?: number;
    readonly cookie: { readonly expires?: Date | null; readonly originalMaxAge: number | null };
  }

  interface Session extends SessionData {
    readonly id: string;
    destroy(done: (error?: unknown) => void): void;
  }

  /** What a store of sessions extends. */
  export class Store {}

  interface Options {
    readonly store: Store;
    readonly secret: string;
    readonly resave: boolean;
    readonly saveUninitialized: boolean;
  }

  // biome-ignore lint/style/noDefaultExport: the package exports it so
  export default function session(
    options: Options,
  ): (request: IncomingMessage & { session: Session }, response: ServerResponse, next: () => void) => void;
}
