import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Logger } from "@kagami/kit";
import type { Access } from "../channels/access.ts";
import type { Timing } from "../channels/channel.ts";
import type { ChannelRegistry } from "../channels/channel-registry.ts";
import { answerUpgrade } from "../protocol/websocket/index.ts";
import { WebSocketViewer } from "./websocket-viewer.ts";

export interface WebSocketEndpointOptions {
  readonly access: Access;
  readonly registry: ChannelRegistry;
  readonly timing: Timing;
  readonly log: Logger;
}

const PATH = /^\/live\/([^/?]{1,64})\/ws(?:\?(.*))?$/;

/** `GET /live/{name}/ws`: fMP4 over WebSocket. */
export class WebSocketEndpoint {
  readonly #options: WebSocketEndpointOptions;

  constructor(options: WebSocketEndpointOptions) {
    this.#options = options;
  }

  /** Takes an HTTP connection that asks for another protocol. */
  onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const match = PATH.exec(request.url ?? "");
    if (!match) {
      socket.end("HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
      return;
    }
    const answer = answerUpgrade(request);
    socket.write(answer.response);
    if (answer.kind === "refuse") {
      socket.end();
      return;
    }
    const { timing, log } = this.#options;
    const viewer = new WebSocketViewer(socket, timing);
    viewer.receive(head);
    const address = request.socket.remoteAddress ?? "";
    this.#admit(viewer, match[1] ?? "", match[2] ?? "", address).catch((error: unknown) => {
      log.error("viewer.admission_failed", { error });
      viewer.close(1011, "The server failed to let you in");
    });
  }

  /**
   * Refusals come as close codes after the upgrade, since a browser hides the status and body of a refused upgrade from
   * the page.
   */
  async #admit(viewer: WebSocketViewer, name: string, query: string, address: string): Promise<void> {
    const { access, registry } = this.#options;
    const token = new URLSearchParams(query).get("token") ?? undefined;
    const admission = await access.mayPlay(name, token, { address, protocol: "ws" });
    if (!admission.isAllowed) {
      viewer.close(admission.reason === "CHANNEL_NOT_FOUND" ? 4404 : 1008, admission.message);
      return;
    }
    if (!registry.hasRoomForViewer) {
      viewer.close(1013, "The server takes no more viewers just now");
      return;
    }
    if (viewer.isClosed) return;
    const channel = registry.open(name);
    const seat = channel.addViewer(viewer);
    registry.adaptMerging();
    viewer.start(seat, () => {
      channel.removeViewer(seat);
      registry.adaptMerging();
    });
  }
}
