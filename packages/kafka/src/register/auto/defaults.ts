import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

type Environment = Record<string, string | undefined>

/**
 * Values for OTEL_* variables that the environment lacks: the endpoint of a local Spanlink, batches
 * each second instead of five, and the package's name as the name of the service.
 * @param script path of the application's main file
 */
export function readDefaults(environment: Readonly<Environment>, script: string | undefined): Environment {
  const protocol = environment['OTEL_EXPORTER_OTLP_PROTOCOL']?.trim()
  return {
    ...(protocol !== 'grpc' && { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' }),
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
    OTEL_BSP_SCHEDULE_DELAY: '1000',
    ...(!/(^|,)\s*service\.name\s*=/.test(environment['OTEL_RESOURCE_ATTRIBUTES'] ?? '') && {
      OTEL_SERVICE_NAME: script === undefined ? undefined : findPackageName(dirname(resolve(script))),
    }),
  }
}

/**
 * Runs `start` with defaults in the environment, where the SDK reads them, and removes them again:
 * child processes of the application don't inherit them.
 */
export function withDefaults<T>(environment: Environment, defaults: Readonly<Environment>, start: () => T): T {
  const added = Object.entries(defaults).filter(([name, value]) => value !== undefined && !environment[name]?.trim())
  const previous = added.map(([name]) => [name, environment[name]] as const)
  try {
    for (const [name, value] of added) environment[name] = value
    return start()
  } finally {
    for (const [name, value] of previous) {
      if (value === undefined) delete environment[name]
      else environment[name] = value
    }
  }
}

/** The name in the nearest package.json that has one. */
function findPackageName(folder: string): string | undefined {
  const name = readPackageName(join(folder, 'package.json'))
  const parent = dirname(folder)
  return name === undefined && parent !== folder ? findPackageName(parent) : name
}

function readPackageName(file: string): string | undefined {
  try {
    const { name } = JSON.parse(readFileSync(file, 'utf8')) as { readonly name?: unknown }
    return typeof name === 'string' && name !== '' ? name : undefined
  } catch {
    return undefined
  }
}
