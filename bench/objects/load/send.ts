import { type Client, errors } from "undici";
import type { LoadRequest } from "./requests.ts";

/** How a request ended. */
export interface Outcome {
  /** `undefined` for success; otherwise the error's code of the body, `HTTP_<status>` without one, or the connection's. */
  readonly code: string | undefined;
  /** Of the bodies, both ways. */
  readonly bytes: number;
}

/** How much of an error's body is kept to find its code. */
const ERROR_BODY_LIMIT = 4_096;

/** Sends a request over a connection. The body that comes back is counted and thrown away. Never throws. */
export function send(client: Client, request: LoadRequest, onEnd: (outcome: Outcome) => void): void {
  const { method, path, headers, body } = request;
  let status = 0;
  let receivedBytes = 0;
  let errorText = "";
  client.dispatch(
    { method, path, headers, body, headersTimeout: 0, bodyTimeout: 0 },
    {
      // undici asks for this method; there is nothing to keep of the request.
      onRequestStart: () => undefined,
      onResponseStart: (_controller, statusCode) => {
        status = statusCode;
      },
      onResponseData: (_controller, chunk) => {
        receivedBytes += chunk.length;
        if (status >= 300 && errorText.length < ERROR_BODY_LIMIT) errorText += chunk.toString("utf8");
      },
      onResponseEnd: () => {
        if (status >= 200 && status < 300) {
          onEnd({ code: undefined, bytes: receivedBytes + (body?.length ?? 0) });
          return;
        }
        onEnd({ code: /<Code>([^<]+)<\/Code>/.exec(errorText)?.[1] ?? `HTTP_${status}`, bytes: 0 });
      },
      // undici is still tidying up here: who sends the next request at once trips over it.
      onResponseError: (_controller, error) => void setImmediate(onEnd, { code: codeOf(error), bytes: 0 }),
    },
  );
}

function codeOf(error: Error): string {
  if (error instanceof errors.UndiciError) return error.code;
  return (error as NodeJS.ErrnoException).code ?? error.name;
}
