import { type Reply } from "./reply.ts";
/** An argument: a string is sent as latin1, one byte a character. */
export type Argument = string | Uint8Array | number;
/**
 * A raw connection to a RESP server: bytes in, reply bytes out. It judges nothing, so that tests can compare what two
 * servers really sent. Replies are handed out in order; RESP3 pushes are replies like any other.
 */
export declare class RedisConnection {
    #private;
    private constructor();
    /** Opens a connection. */
    static open(port: number, host?: string): Promise<RedisConnection>;
    /** Whether either side has closed it. */
    get isClosed(): boolean;
    /** Sends one command and returns its parsed reply, errors too. */
    call(...args: readonly Argument[]): Promise<Reply>;
    /** Sends bytes, which need be no command, and returns the next `count` replies as they came. */
    exchange(bytes: Uint8Array, count: number): Promise<Buffer[]>;
    /** Sends bytes and waits for nothing. */
    send(bytes: Uint8Array): void;
    /** The next `count` replies as they came. Fails after 4 s or when the server closes; then tells what it has. */
    receive(count: number): Promise<Buffer[]>;
    /** All bytes that come until the server closes, for protocol errors. What was read before is not among them. */
    untilClosed(): Promise<Buffer>;
    /** Closes it. Idempotent. */
    close(): Promise<void>;
}
/** A command as an array of bulk strings. */
export declare function encodeCommand(args: readonly Argument[]): Buffer;
