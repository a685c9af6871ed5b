import { InstrumentationBase, InstrumentationNodeModuleDefinition } from '@opentelemetry/instrumentation'
import type { InstrumentationConfig } from '@opentelemetry/instrumentation'
import type { MeterProvider, TracerProvider } from '@opentelemetry/api'
import { tracePlatformatic, type PlatformaticTracing } from './platformatic/index.ts'
import type { KafkaTelemetryOptions } from './options.ts'
import { patchLoaded } from './register/loaded-modules.ts'
import { createModulePatches, type ModulePatch } from './register/patch-modules.ts'
import { createToggleableTelemetry, type ToggleableTelemetry } from './register/toggleable-telemetry.ts'
import { VERSION } from './core/version.ts'

export type KafkaInstrumentationConfig = InstrumentationConfig & KafkaTelemetryOptions

/**
 * Traces kafkajs, `@confluentinc/kafka-javascript`, `@platformatic/kafka` and node-rdkafka for
 * `registerInstrumentations`: modules loaded by `require`, before or after it. ES modules need
 * OpenTelemetry's loader, except for @platformatic/kafka.
 * After `disable()` existing clients continue without telemetry.
 */
export class KafkaInstrumentation extends InstrumentationBase<KafkaInstrumentationConfig> {
  // The base class calls init() and enable() in `super()`, before fields are initialized.
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
      // In the loader's view of a module, `default` is what `require` returns.
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
    // The base class sees only modules that are loaded later.
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
    // The base class calls it before init().
    this.toggleable?.setProviders({})
  }
}
