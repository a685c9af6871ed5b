import { createRequire } from 'node:module'

/** Of the package: `../../package.json` from dist/cli as from src/cli. */
export const { version } = createRequire(import.meta.url)('../../package.json') as { readonly version: string }
