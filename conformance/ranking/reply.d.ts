/** A parsed RESP2 or RESP3 reply. Strings are latin1, one character a byte, so that nothing is lost. */
export type Reply = {
    readonly kind: "simple" | "error" | "bulk" | "bulk-error";
    readonly text: string;
} | {
    readonly kind: "verbatim";
    readonly format: string;
    readonly text: string;
} | {
    readonly kind: "integer" | "big-number" | "double";
    readonly text: string;
} | {
    readonly kind: "boolean";
    readonly value: boolean;
}
/** `wire` tells RESP2's null string and null array from RESP3's null. */
 | {
    readonly kind: "null";
    readonly wire: "$" | "*" | "_";
} | {
    readonly kind: "array" | "set" | "push" | "map" | "attribute";
    readonly items: readonly Reply[];
};
/** Thrown when bytes are no RESP; says where. */
export declare class ReplyFormatError extends Error {
    readonly name = "ReplyFormatError";
}
/**
 * Finds the end of the reply that begins at `start`, without building it: a map counts its keys and its values.
 *
 * @returns `undefined` if more bytes are needed.
 * @throws ReplyFormatError
 * @see https://redis.io/docs/reference/protocol-spec
 */
export declare function endOfReply(bytes: Buffer, start: number): number | undefined;
/** Parses one whole reply, as `endOfReply` finds it. An attribute holds its map and then the reply it stands before. */
export declare function parseReply(bytes: Buffer): Reply;
/** The strings of a list reply; a null is `undefined`, numbers are their digits, lists inside are refused. */
export declare function textsOf(reply: Reply): (string | undefined)[];
