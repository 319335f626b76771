// A server for `vite dev` and for looking at the built app: node web/app/test/mock/main.ts [port] [WIDTHxHEIGHT]
import { join } from "node:path";
import { MockMedia } from "./media.ts";
import { MockServer } from "./server.ts";

const [port = "8080", size = "1280x720"] = process.argv.slice(2);
const [width = 1280, height = 720] = size.split("x").map(Number);
const media = new MockMedia({ width, height, gopS: 2 });
const mock = new MockServer(join(import.meta.dirname, "../../dist"));
await media.ready();
mock.addChannel("demo", media, { title: "Climbing the crystal tower, blind run" });
console.log(`${await mock.listen(Number(port))} (channel demo, stream key ${mock.key})`);
process.on("SIGINT", () => {
  media.close();
  void mock.close();
});
