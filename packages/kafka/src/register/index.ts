// node --import @spanlink/kafka/register app.js
// Traces all supported clients when their modules are loaded, with options from the environment
// (environment-options.ts). The application starts the SDK itself, before or after this.
import { tracePlatformatic } from '../platformatic/index.ts'
import { readEnvironmentOptions } from './environment-options.ts'
import { canHookLoads, patchOnLoad } from './load-hooks.ts'
import { createModulePatches } from './patch-modules.ts'
import { warnUnlessLoaded } from './warn-unless-loaded.ts'
import { createKafkaTelemetry } from '../core/instrumentation.ts'

// `diag` may not have a logger yet.
const warn = (message: string): void => process.emitWarning(message, 'SpanlinkWarning')

if (canHookLoads) {
  const telemetry = createKafkaTelemetry(readEnvironmentOptions(process.env, warn))
  tracePlatformatic(telemetry)
  warnUnlessLoaded(patchOnLoad(createModulePatches(() => telemetry)), warn)
} else {
  warn(`@spanlink/kafka/register needs Node 22.15 or newer, this is ${process.versions.node}: nothing is traced.`)
}
