import { readFileSync } from 'node:fs'
import { defineConfig } from 'vite'

const manifest = JSON.parse(readFileSync(new URL('./package.json', import.meta.url), 'utf8'))

// The published server: one file per module, as in src/, so that files found beside a module (SQL,
// the engine's child) keep their relative places. Only the private contract is bundled in;
// dependencies stay dependencies.
export default defineConfig({
  resolve: { conditions: ['spanlink:source'] },
  ssr: {
    resolve: { conditions: ['spanlink:source'] },
    noExternal: ['@spanlink/api-schema'],
    external: Object.keys(manifest.dependencies),
  },
  build: {
    ssr: true,
    target: 'node22',
    outDir: 'dist',
    emptyOutDir: false,
    minify: false,
    rolldownOptions: {
      input: ['src/index.ts', 'src/cli/bin.ts', 'src/cli/main.ts', 'src/clickhouse/engine/engine-child.ts'],
      output: {
        format: 'es',
        preserveModules: true,
        preserveModulesRoot: 'packages/server/src',
        entryFileNames: '[name].js',
      },
    },
  },
})
