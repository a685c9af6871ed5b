import { createKafkaTelemetry } from '../core/instrumentation.ts'
import type { KafkaTelemetryOptions } from '../options.ts'
import { tracePlatformatic } from '../platformatic/index.ts'
import { readEnvironmentOptions } from './environment-options.ts'
import { canHookLoads, isHooked, patchOnLoad } from './load-hooks.ts'
import { createModulePatches } from './patch-modules.ts'
import { warnUnlessLoaded } from './warn-unless-loaded.ts'

// `diag` may not have a logger yet.
const warn = (message: string): void => process.emitWarning(message, 'SpanlinkWarning')

/**
 * Traces all supported clients when their modules are loaded, once per process, with options from
 * the environment (environment-options.ts).
 * @param defaults for options that the environment does not set
 */
export function registerClients(defaults: KafkaTelemetryOptions = {}): void {
  if (!canHookLoads) {
    warn(`@spanlink/kafka/register needs Node 22.15 or newer, this is ${process.versions.node}: nothing is traced.`)
    return
  }
  if (isHooked()) return
  const set = Object.entries(readEnvironmentOptions(process.env, warn)).filter(([, value]) => value !== undefined)
  const telemetry = createKafkaTelemetry({ ...defaults, ...Object.fromEntries(set) })
  tracePlatformatic(telemetry)
  warnUnlessLoaded(patchOnLoad(createModulePatches(() => telemetry)), warn)
}
