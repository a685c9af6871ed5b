export { serve, type SpanlinkServer } from './cli/serve.ts'
export type { ServeOptions } from './cli/serve-options.ts'
