import { eventually, runTool, withTempDir } from "@kagami/testkit";
import { expect, test } from "vitest";
import { encodeClip, probe, RtmpPeer, startTestServer, WsViewer } from "./support/index.ts";

test("RTMPS, HTTPS and WSS carry a broadcast, and ffprobe plays it over both", async () => {
  const clip = await encodeClip({ seconds: 2 });
  await withTempDir(async (dir) => {
    const [tlsKey, tlsCert] = [`${dir}/key.pem`, `${dir}/cert.pem`];
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
    const out = ["-keyout", tlsKey, "-out", tlsCert, "-days", "1"];
    expect((await runTool("openssl", ["req", "-x509", ...curve, ...out, ...names])).exitCode).toBe(0);

    const server = await startTestServer(dir, {
      openPublish: true,
      https: true,
      rtmps: "127.0.0.1:0",
      tlsKey,
      tlsCert,
    });
    const publisher = await RtmpPeer.open({ port: server.rtmpsPort, name: "game", isTls: true });
    publisher.loopClip(clip, 2);
    const viewer = await WsViewer.open(`${server.ws}/live/game/ws`);
    await eventually(() => viewer.media.length > 3);
    const player = await RtmpPeer.open({ port: server.rtmpsPort, name: "game", mode: "play", isTls: true });
    await eventually(() => player.media.length > 3);
    expect(await probe(`${server.http}/live/game.flv`, "stream=codec_name", ["-tls_verify", "0"])).toMatch(/h264/);
    const plain = RtmpPeer.start({ port: server.rtmpsPort, name: "game" });
    await eventually(() => plain.isClosed, { what: "A peer without TLS was cut" });
    player.leave();
    viewer.end();
    publisher.leave();
    await server.close();
  });
});

test.each([{ https: true }, { rtmps: "127.0.0.1:0" }])(
  "TLS without certificate is refused at start: %j",
  async (changes) => {
    await withTempDir(async (dir) => {
      await expect(startTestServer(dir, changes)).rejects.toMatchObject({ code: "CONFIG_UNSAFE" });
    });
  },
);
