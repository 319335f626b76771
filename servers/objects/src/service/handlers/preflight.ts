import { answerPreflight } from "../../engine/cors/cors.ts";
import { S3Error } from "../../protocol/errors.ts";
import { sendEmpty } from "../reply.ts";
import type { RequestContext } from "../request-context.ts";

const HEADER_NAME_LIMIT = 100;

/** Answers what a browser asks before it asks: by the bucket's rules alone, whoever it is. */
export async function preflight(cx: RequestContext): Promise<void> {
  const { headers, bucket } = cx;
  const origin = headers.get("origin");
  const method = headers.get("access-control-request-method");
  if (origin === undefined || method === undefined) {
    throw new S3Error("BadRequest", {
      message: "Insufficient information. Origin request header and Access-Control-Request-Method are needed.",
    });
  }
  const asked = (headers.get("access-control-request-headers") ?? "")
    .split(",")
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== "");
  if (asked.length > HEADER_NAME_LIMIT) throw new S3Error("BadRequest");
  const rules = bucket && cx.service.documents.cors(bucket);
  const answer = rules && answerPreflight(rules, { origin, method, headers: asked });
  if (!answer) {
    throw new S3Error("AccessDenied", {
      message: rules
        ? "CORSResponse: This CORS request is not allowed. This is usually because the evaluation of Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec."
        : "CORSResponse: CORS is not enabled for this bucket.",
      fields: { Method: method, ResourceType: cx.route.key === "" ? "BUCKET" : "OBJECT" },
    });
  }
  for (const [name, value] of answer) cx.addHeader(name, value);
  sendEmpty(cx, 200);
}
