import { Metrics } from "@kagami/kit";
import { expect, test } from "vitest";
import type { RequestContext } from "../../src/service/request-context.ts";
import { ServiceMetrics } from "../../src/service/service-metrics.ts";

test("500 buckets are counted by name and the others together, each direction and status by itself", () => {
  const metrics = new Metrics();
  const counted = new ServiceMetrics(metrics);
  const statuses = [0, 100, 200, 304, 404, 503];
  for (let i = 0; i < 600; i++) {
    for (const status of statuses) {
      const bucket = { name: `b${i}` };
      const cx = { bucket, status, bytesIn: 2, bytesOut: 3, errorCode: undefined, route: { operation: "GetObject" } };
      counted.count(cx as unknown as RequestContext, 1);
    }
  }
  const text = metrics.render();
  expect(text).toContain('kagami_objects_body_bytes_total{bucket="b499",direction="out"} 18');
  expect(text).not.toContain('bucket="b500"');
  expect(text).toContain(`kagami_objects_body_bytes_total{bucket="other",direction="in"} ${100 * statuses.length * 2}`);
  expect(text).toContain(
    `kagami_objects_body_bytes_total{bucket="other",direction="out"} ${100 * statuses.length * 3}`,
  );
  for (const status of ["none", "1xx", "2xx", "3xx", "4xx", "5xx"]) {
    expect(text).toContain(`kagami_objects_requests_total{bucket="other",status="${status}"} 100`);
  }
});
