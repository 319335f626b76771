/** What of a request is asked for its body, whoever parsed it. */
interface ReadableRequest {
  readonly complete: boolean;
  readonly destroyed: boolean;
  readonly readableEnded: boolean;
  readonly readableLength: number;
  read(): unknown;
  on(event: string, listener: () => void): unknown;
}

/** All of a request's body, one byte a character. It never resolves if the request is cut. */
export async function bodyOf(request: ReadableRequest): Promise<string> {
  let text = "";
  let wake: () => void = () => undefined;
  request.on("readable", () => wake());
  for (;;) {
    const more = new Promise<void>((resolve) => {
      wake = resolve;
    });
    const bytes = request.read() as Buffer | null;
    if (bytes !== null) text += bytes.toString("latin1");
    else if (request.readableEnded || (request.complete && request.readableLength === 0)) return text;
    else await more;
  }
}
