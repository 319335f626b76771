import { defineConfig } from "vite";

/** Where `vite dev` finds a running live server (or the mock in test/). */
const server = "http://127.0.0.1:8080";

export default defineConfig({
  root: import.meta.dirname,
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  resolve: {
    // The light build lacks only what live streams here never have: subtitles, alternate audio, DRM, ads.
    alias: [{ find: /^hls\.js$/, replacement: "hls.js/dist/hls.light.min.mjs" }],
  },
  build: {
    outDir: "dist",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    // A data: address would need a wider content security policy.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 450,
    rolldownOptions: { output: { entryFileNames: "assets/main-[hash].js" } },
  },
  server: {
    proxy: {
      "/api": server,
      "/live": { target: server, ws: true },
    },
  },
});
