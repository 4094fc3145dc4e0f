/** Builds the console into `dist/console`, from where the API serves it. */
import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  // The API replaces this by a new value in every answer.
  html: { cspNonce: "CSPNONCE" },
  // Several files, so that a worker can load some of its code when it needs it.
  worker: { format: "es" },
  build: {
    outDir: fileURLToPath(new URL("../../dist/console", import.meta.url)),
    emptyOutDir: true,
    // The Content-Security-Policy allows no inline scripts and no data: scripts.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    target: "es2023",
    // Sizes are checked by a test, after compression.
    reportCompressedSize: false,
    chunkSizeWarningLimit: 2000,
  },
});
