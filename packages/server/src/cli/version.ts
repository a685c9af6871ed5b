import { createRequire } from 'node:module'

/** Works from dist/cli and src/cli alike. */
export const { version } = createRequire(import.meta.url)('../../package.json') as { readonly version: string }
