import { InstrumentationBase, InstrumentationNodeModuleDefinition } from '@opentelemetry/instrumentation'
import type { InstrumentationConfig } from '@opentelemetry/instrumentation'
import type { MeterProvider, TracerProvider } from '@opentelemetry/api'
import { tracePlatformatic } from './platformatic/index.ts'
import type { PlatformaticTracing } from './platformatic/index.ts'
import type { KafkaTelemetryOptions } from './options.ts'
import { patchLoaded } from './register/loaded-modules.ts'
import { createModulePatches } from './register/patch-modules.ts'
import type { ModulePatch } from './register/patch-modules.ts'
import { createToggleableTelemetry } from './register/toggleable-telemetry.ts'
import type { ToggleableTelemetry } from './register/toggleable-telemetry.ts'
import { VERSION } from './core/version.ts'

export type KafkaInstrumentationConfig = InstrumentationConfig & KafkaTelemetryOptions

/**
 * The same for `registerInstrumentations`: traces kafkajs, `@confluentinc/kafka-javascript`,
 * `@platformatic/kafka` and node-rdkafka in modules that are loaded by `require`, before or after
 * it. An ES module that imports a client needs OpenTelemetry's loader for that, as with any
 * instrumentation;
 * @platformatic/kafka, and `@spanlink/kafka/register`, need none.
 *
 * Of `disable()` clients that were made before know, too: their operations go on without telemetry.
 */
export class KafkaInstrumentation extends InstrumentationBase<KafkaInstrumentationConfig> {
  // Fields of a subclass are there only after `super()`, in which the base class calls init() and
  // enable(): hence no initializers.
  declare private toggleable: ToggleableTelemetry
  declare private patches: readonly ModulePatch[]
  declare private platformatic: PlatformaticTracing | undefined

  constructor(config: KafkaInstrumentationConfig = {}) {
    super('@spanlink/kafka', VERSION, config)
  }

  protected override init(): InstrumentationNodeModuleDefinition[] {
    const { telemetry } = (this.toggleable = createToggleableTelemetry(() => this.getConfig()))
    this.patches = createModulePatches(() => telemetry)
    return this.patches.map(({ name, supportedVersions, patch }) => {
      // The loader's view of a module holds what `require` gives as its default.
      const patchBoth = (exports: object): object => {
        const { default: inner } = exports as { readonly default?: unknown }
        if (typeof inner === 'object' && inner !== null) patch(inner)
        else patch(exports)
        return exports
      }
      return new InstrumentationNodeModuleDefinition(name, [...supportedVersions], patchBoth)
    })
  }

  override enable(): void {
    super.enable()
    this.toggleable.setEnabled(true)
    // The base class sees those only that are loaded from now on.
    patchLoaded(this.patches)
    this.platformatic ??= tracePlatformatic(this.toggleable.telemetry)
  }

  override disable(): void {
    super.disable()
    this.toggleable.setEnabled(false)
    this.platformatic?.disable()
    this.platformatic = undefined
  }

  override setTracerProvider(tracerProvider: TracerProvider): void {
    super.setTracerProvider(tracerProvider)
    this.toggleable.setProviders({ tracerProvider })
  }

  override setMeterProvider(meterProvider: MeterProvider): void {
    super.setMeterProvider(meterProvider)
    this.toggleable.setProviders({ meterProvider })
  }

  override setLoggerProvider(loggerProvider: Parameters<InstrumentationBase['setLoggerProvider']>[0]): void {
    super.setLoggerProvider(loggerProvider)
    this.toggleable.setProviders({ loggerProvider })
  }

  override setConfig(config: KafkaInstrumentationConfig): void {
    super.setConfig(config)
    // The base class sets it before there is anything to tell of it.
    this.toggleable?.setProviders({})
  }
}
