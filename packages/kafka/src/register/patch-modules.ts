import type { Kafka } from 'kafkajs'
import { traceConfluent, type ConfluentKafka, type ConfluentModule } from '../confluent/index.ts'
import { traceKafkaJS } from '../kafkajs/index.ts'
import { traceRdkafka } from '../rdkafka/index.ts'
import { replaceMethod } from '../core/clients/override.ts'
import { safely } from '../core/diagnostics.ts'
import type { KafkaTelemetry } from '../core/telemetry.ts'

/** Traces a client without a call by the application, when its module is loaded. */
export interface ModulePatch {
  /** The package. */
  readonly name: string
  readonly supportedVersions: readonly string[]
  /** The main file, relative to the package. */
  readonly file: string
  /** Patches `exports` so that clients made from now on are traced. Never throws. */
  patch(exports: object): void
}

type Exports = Record<string, unknown>

/** @param telemetry is called when the first client is created */
export function createModulePatches(telemetry: () => KafkaTelemetry): readonly ModulePatch[] {
  const patched = new WeakSet<object>()
  const once =
    (name: string, patch: (exports: Exports) => void): ModulePatch['patch'] =>
    (exports) => {
      if (patched.has(exports)) return
      patched.add(exports)
      safely(`patch ${name}`, () => patch(exports as Exports))
    }
  const modulePatch = (
    name: string,
    supportedVersion: string,
    file: string,
    patch: (exports: Exports) => void,
  ): ModulePatch => ({ name, supportedVersions: [supportedVersion], file, patch: once(name, patch) })

  return [
    modulePatch('kafkajs', '>=2 <3', 'index.js', (exports) => {
      const { prototype } = exports['Kafka'] as { readonly prototype: Kafka }
      const trace = (kafka: Kafka): Kafka => traceKafkaJS(kafka, telemetry())
      patchFactory(prototype, trace, (_, double) => double)
    }),
    modulePatch('@confluentinc/kafka-javascript', '>=1 <2', 'lib/index.js', (exports) => {
      const { prototype } = (exports as unknown as ConfluentModule).KafkaJS.Kafka
      const trace = (kafka: ConfluentKafka): ConfluentKafka => traceConfluent(kafka, telemetry())
      // Private state belongs to the instance.
      patchFactory(prototype, trace, (kafka) => kafka)
      patchRdkafka(exports, telemetry)
      // The KafkaJS API uses RdKafka itself: only the exported copy is traced.
      const { RdKafka: inner } = exports
      if (isObject(inner)) patchRdkafka((exports['RdKafka'] = { ...inner }), telemetry)
    }),
    modulePatch('node-rdkafka', '>=3 <4', 'lib/index.js', (exports) => patchRdkafka(exports, telemetry)),
  ]
}

/** A `Kafka` of kafkajs or Confluent. */
interface Factory {
  producer(config?: never): object
  consumer(config: never): object
}

/**
 * Creates clients by a traced double that inherits from the `Kafka`, which stays unchanged: frozen
 * instances and subclasses work. Skips those that the application traced itself.
 * @param getMaker returns the object to call the class's own methods on
 */
function patchFactory<F extends Factory>(
  prototype: F,
  trace: (double: F) => F,
  getMaker: (kafka: F, double: F) => F,
): void {
  const doubles = new WeakMap<F, F>()
  const originals: Factory = { producer: prototype.producer, consumer: prototype.consumer }
  const getDouble = (kafka: F): F => {
    let double = doubles.get(kafka)
    if (double === undefined) {
      double = Object.create(kafka) as F
      const maker = getMaker(kafka, double)
      for (const name of FACTORY_METHODS) {
        const original = originals[name]
        replaceMethod<Factory, typeof name>(
          double,
          name,
          copyWrappedMark((config: never) => original.call(maker, config), original),
        )
      }
      doubles.set(kafka, (double = trace(double)))
    }
    return double
  }
  for (const name of FACTORY_METHODS) {
    const original = originals[name]
    const findDouble = (kafka: F): F | undefined => {
      let double: F | undefined
      if (!Object.hasOwn(kafka, name)) safely('trace a Kafka', () => (double = getDouble(kafka)))
      return double
    }
    replaceMethod<Factory, typeof name>(prototype, name, function (this: F, config: never) {
      const double = findDouble(this)
      return double ? double[name](config) : original.call(this, config)
    })
  }
}

const FACTORY_METHODS = ['producer', 'consumer'] as const

// Lets traceKafkaJS detect other instrumentations.
function copyWrappedMark<F extends object>(method: F, original: object): F {
  return Object.assign(method, '__wrapped' in original ? { __wrapped: original.__wrapped } : {})
}

/** Exports that create clients and streams. */
const RDKAFKA_CLASSES = ['Producer', 'HighLevelProducer', 'KafkaConsumer', 'Consumer']
const RDKAFKA_STREAMS = ['createReadStream', 'createWriteStream']

function patchRdkafka(exports: Exports, telemetry: () => KafkaTelemetry): void {
  const trace = <T>(client: T): T => {
    if (isObject(client)) safely('trace a client', () => traceRdkafka(client, telemetry()))
    return client
  }
  const wrapFunction = (make: Function): unknown =>
    new Proxy(make, { apply: (target, self, args) => trace(Reflect.apply(target, self, args)) })
  for (const name of RDKAFKA_STREAMS) {
    const make = exports[name]
    if (typeof make === 'function') exports[name] = wrapFunction(make)
  }
  for (const name of RDKAFKA_CLASSES) {
    const client = exports[name]
    if (typeof client !== 'function') continue
    // A Proxy of the class keeps `instanceof` and subclasses working.
    exports[name] = new Proxy(client, {
      construct: (target, args, newTarget) => trace(Reflect.construct(target, args, newTarget) as object),
      // Classes called without `new` return an instance, except from a subclass.
      apply: (target, self, args) => trace(Reflect.apply(target, self, args)),
      get(target, property, receiver) {
        const value: unknown = Reflect.get(target, property, receiver)
        const isStream = typeof property === 'string' && RDKAFKA_STREAMS.includes(property)
        return isStream && typeof value === 'function' ? wrapFunction(value) : value
      },
    })
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
