export { serve, type SpanlinkServer } from './cli/serve/serve.ts'
export type { ServeOptions } from './cli/serve/serve-options.ts'
