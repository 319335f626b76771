import { eventually } from "@kagami/testkit";
import type { ObjectsConfig } from "../../src/config.ts";
import { RawClient } from "./raw-client.ts";
import { startTestServer, type TestServer } from "./start-server.ts";

/** Registers a replica at a running store; its token. */
export async function addReplica(admin: string, name = "second"): Promise<string> {
  const answer = await fetch(`http://${admin}/api/replicas`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name }),
  });
  const { token } = (await answer.json()) as { token?: string };
  if (token === undefined) throw new Error(`No replica was added: ${answer.status}`);
  return token;
}

/** A replica of a server of this process. */
export async function startTestReplica(
  source: TestServer,
  token: string,
  settings: Partial<ObjectsConfig> = {},
): Promise<TestServer> {
  return await startTestServer({ follow: source.url, followToken: token, ...settings });
}

/** What the admin API says of replication. */
export async function replicationOf(admin: string) {
  return (await (await fetch(`http://${admin}/api/replication`)).json()) as {
    readonly role: string;
    readonly storeId: string;
    readonly epoch: number;
    readonly isWhole?: boolean;
    readonly isConnected?: boolean;
    readonly isMakingNext?: boolean;
    readonly after?: number;
    readonly fromNothingCount?: number;
    readonly connectCount?: number;
    readonly lastFailure?: { readonly code: string; readonly message: string } | null;
    readonly replicas?: readonly {
      readonly name: string;
      readonly isConnected: boolean;
      readonly lag: { readonly sequences: number; readonly seconds: number; readonly bytes: number } | null;
    }[];
  };
}

/** All that a client can see of a store by S3: buckets, versions with their headers, bodies, unfinished uploads. */
export async function seenByS3(host: string): Promise<string[]> {
  const client = new RawClient(host);
  const seen: string[] = [];
  const { text } = await ok(client, "/");
  for (const [, bucket = ""] of text.matchAll(/<Name>([^<]*)<\/Name>/g)) {
    seen.push(
      `bucket ${bucket} ${(await client.send({ path: `/${bucket}?policy` })).text.replaceAll(/<\w*Id>.*/g, "")}`,
    );
    seen.push(stable((await ok(client, `/${bucket}?uploads`)).text));
    let from = "";
    for (let isTruncated = true; isTruncated; ) {
      const page = (await ok(client, `/${bucket}?versions${from}`)).text;
      seen.push(stable(page));
      for (const [, key = "", versionId = ""] of page.matchAll(
        /<Version><Key>([^<]*)<\/Key><VersionId>([^<]*)<\/VersionId>/g,
      )) {
        const got = await ok(client, `/${bucket}/${encodeURIComponent(key)}?versionId=${versionId}`);
        const { date, "x-amz-request-id": id, "x-amz-id-2": host2, ...headers } = got.headers;
        seen.push(`${key} ${versionId} ${JSON.stringify(headers)} ${got.body.toString("base64")}`);
      }
      isTruncated = page.includes("<IsTruncated>true</IsTruncated>");
      const [, keyMarker = ""] = /<NextKeyMarker>([^<]*)</.exec(page) ?? [];
      const [, versionMarker = ""] = /<NextVersionIdMarker>([^<]*)</.exec(page) ?? [];
      from = `&key-marker=${encodeURIComponent(keyMarker)}&version-id-marker=${versionMarker}`;
    }
  }
  return seen;
}

/** Waits until the replica shows all that its source shows. */
export async function untilCaughtUp(source: string, replica: string, timeoutMs = 30_000): Promise<void> {
  await eventually(
    async () => {
      const { storeId, replicas } = await replicationOf(source);
      const view = await replicationOf(replica);
      const isThere = replicas?.some(({ lag }) => lag !== null && lag.sequences === 0) ?? false;
      return isThere && view.isWhole === true && view.storeId === storeId;
    },
    { timeoutMs, what: "The replica's catching up" },
  );
}

function stable(xml: string): string {
  return xml.replaceAll(/<(RequestId|HostId)>[^<]*<\/\1>/g, "");
}

async function ok(client: RawClient, path: string) {
  const answer = await client.send({ path });
  if (answer.status !== 200) throw new Error(`GET ${path} answers ${answer.status} ${answer.text.slice(0, 300)}`);
  return answer;
}
