import { fileURLToPath } from 'node:url'
import { preact } from '@preact/preset-vite'
import { defineConfig } from 'vite'

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  // The server writes its base path into index.html.
  base: './',
  plugins: [preact()],
  build: {
    outDir: '../server/dist/ui',
    emptyOutDir: true,
    target: ['chrome123', 'firefox120', 'safari17.5'],
    // Nothing becomes a data: URL, which the content-security policy (default-src 'self') would
    // refuse.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { '/api': process.env['SPANLINK_URL'] ?? 'http://127.0.0.1:4319' } },
})
