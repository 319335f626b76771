export { startTestServer, TEST_KEY, type TestServer } from "./start-server.ts";
