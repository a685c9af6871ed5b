// node --import @spanlink/kafka/register app.js
//
// Traces kafkajs, @confluentinc/kafka-javascript, @platformatic/kafka and node-rdkafka in an
// application that was not changed: the same functions as an application would call, called when a
// client's module is loaded. Options come from the environment (register/environment-options.ts).
// The OpenTelemetry SDK is the application's, started before or after this.
import { tracePlatformatic } from '../platformatic/index.ts'
import { readEnvironmentOptions } from './environment-options.ts'
import { canHookLoads, patchOnLoad } from './load-hooks.ts'
import { createModulePatches } from './patch-modules.ts'
import { warnUnlessLoaded } from './warn-unless-loaded.ts'
import { createKafkaTelemetry } from '../core/instrumentation.ts'

// Not `diag`: its logger may not have been set yet.
const warn = (message: string): void => process.emitWarning(message, 'SpanlinkWarning')

if (canHookLoads) {
  const telemetry = createKafkaTelemetry(readEnvironmentOptions(process.env, warn))
  tracePlatformatic(telemetry)
  warnUnlessLoaded(patchOnLoad(createModulePatches(() => telemetry)), warn)
} else {
  warn(`@spanlink/kafka/register needs Node 22.15 or newer, this is ${process.versions.node}: nothing is traced.`)
}
