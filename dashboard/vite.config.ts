import { join } from 'node:path';
import react from '@vitejs/plugin-react';
import preset from 'postcss-preset-mantine';
import { defineConfig } from 'vite';

/** The server that `npm run dev -w dashboard` passes API calls to. */
const API = process.env.SUREHOOK_URL ?? 'http://127.0.0.1:8080';

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  css: { postcss: { plugins: [preset()] } },
  // The server replaces it in each answer.
  html: { cspNonce: '__CSP_NONCE__' },
  build: {
    outDir: '../dist/dashboard',
    emptyOutDir: true,
    // Data URLs would need exceptions in the Content-Security-Policy.
    assetsInlineLimit: 0,
    // In kB. A test bounds the first view as a whole.
    chunkSizeWarningLimit: 1_000,
    rolldownOptions: { input: ['index.html', 'portal.html'].map((page) => join(import.meta.dirname, page)) },
  },
  server: {
    proxy: Object.fromEntries(['/v1', '/session', '/readyz', '/portal/theme.css'].map((path) => [path, API])),
  },
});
