import type { LineLog } from "./line-log.ts";
import type { RequestContext } from "./request-context.ts";

/**
 * One JSON line for each request, in the words of S3's own access logs where they have one. Queries are not written:
 * presigned URLs hold signatures that would let a reader of the log in.
 */
export class AccessLog {
  readonly #log: LineLog;

  constructor(log: LineLog) {
    this.#log = log;
  }

  record(cx: RequestContext, elapsedMs: number): void {
    const { route, authentication } = cx;
    this.#log.write(
      JSON.stringify({
        time: new Date(cx.nowMs).toISOString(),
        requestId: cx.id,
        remote: cx.remoteAddress,
        user: cx.userName,
        accessKey: authentication && authentication.kind !== "anonymous" ? authentication.accessKeyId : undefined,
        operation: route.operation,
        bucket: route.bucket,
        key: route.key,
        versionId: route.query.get("versionId"),
        method: cx.method,
        status: cx.status,
        error: cx.errorCode,
        bytesIn: cx.bytesIn,
        bytesOut: cx.bytesOut,
        elapsedMs: Math.round(elapsedMs * 1_000) / 1_000,
        userAgent: cx.headers.get("user-agent")?.slice(0, 500),
        referer: cx.headers.get("referer")?.split("?", 1)[0]?.slice(0, 500),
        tls: cx.isSecure,
      }),
    );
  }
}
