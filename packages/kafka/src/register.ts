// node --import @spanlink/kafka/register app.js
//
// Traces kafkajs, @confluentinc/kafka-javascript, @platformatic/kafka and node-rdkafka in an application that was not changed: the same
// functions as an application would call, called when a client's module is loaded. Options come from the environment
// (register/environment-options.ts). The OpenTelemetry SDK is the application's, started before or after this.
import { tracePlatformatic } from './clients/platformatic.ts'
import { optionsFromEnvironment } from './register/environment-options.ts'
import { patchOnLoad } from './register/load-hooks.ts'
import { modulePatches } from './register/patch-modules.ts'
import { createKafkaTelemetry } from './telemetry.ts'

// Not `diag`: whoever sets its logger may not have been loaded yet.
const options = optionsFromEnvironment(process.env, (message) => process.emitWarning(message, 'SpanlinkWarning'))
const telemetry = createKafkaTelemetry(options)
tracePlatformatic(telemetry)
patchOnLoad(modulePatches(() => telemetry))
