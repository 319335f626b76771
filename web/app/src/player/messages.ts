/** States of a stream as the server tells them. */
export type StreamState = "live" | "waiting" | "interrupted" | "ended";

/** A text message from the server. */
export type ServerMessage =
  | {
      readonly type: "init";
      readonly generation: number;
      readonly mime: string;
      readonly hasVideo: boolean;
      readonly hasAudio: boolean;
      readonly width: number;
      readonly height: number;
    }
  | { readonly type: "clock"; readonly mediaMs: number; readonly serverMs: number }
  | { readonly type: "state"; readonly state: StreamState }
  | { readonly type: "gap"; readonly fromMs: number; readonly toMs: number }
  | { readonly type: "pong"; readonly id: number; readonly serverMs: number }
  | { readonly type: "viewers"; readonly count: number };

const STATES: readonly string[] = ["live", "waiting", "interrupted", "ended"];

/**
 * Reads one text message of the WebSocket.
 *
 * @returns `undefined` for anything that is not a known, well-formed message: a newer server may say more than we know.
 */
export function parseServerMessage(text: string): ServerMessage | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined; // not JSON: treated like an unknown type
  }
  if (typeof value !== "object" || value === null) return undefined;
  const fields = value as Record<string, unknown>;
  switch (fields.type) {
    case "init":
      return parseInit(fields);
    case "clock":
      return numbers(fields, "mediaMs", "serverMs") ? (fields as unknown as ServerMessage) : undefined;
    case "state":
      return STATES.includes(fields.state as string) ? (fields as unknown as ServerMessage) : undefined;
    case "gap":
      return numbers(fields, "fromMs", "toMs") ? (fields as unknown as ServerMessage) : undefined;
    case "pong":
      return numbers(fields, "id", "serverMs") ? (fields as unknown as ServerMessage) : undefined;
    case "viewers":
      return numbers(fields, "count") ? (fields as unknown as ServerMessage) : undefined;
    default:
      return undefined;
  }
}

function parseInit(fields: Record<string, unknown>): ServerMessage | undefined {
  if (typeof fields.mime !== "string" || !numbers(fields, "generation")) return undefined;
  return {
    type: "init",
    generation: fields.generation as number,
    mime: fields.mime,
    hasVideo: fields.hasVideo !== false,
    hasAudio: fields.hasAudio !== false,
    width: Number.isFinite(fields.width) ? (fields.width as number) : 0,
    height: Number.isFinite(fields.height) ? (fields.height as number) : 0,
  };
}

function numbers(fields: Record<string, unknown>, ...names: readonly string[]): boolean {
  return names.every((name) => Number.isFinite(fields[name]));
}
