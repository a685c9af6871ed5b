import { createRequire } from 'node:module'
import type { Sampler } from '@opentelemetry/api'
import { LinkedSampler } from '../../sampler.ts'

type SdkSamplers = {
  readonly ParentBasedSampler: new (config: { readonly root: Sampler }) => Sampler
  readonly TraceIdRatioBasedSampler: new (ratio: number) => Sampler
}

/**
 * A sampler that keeps flows whole where OTEL_TRACES_SAMPLER asks for a ratio: the SDK's own one
 * would decide anew for each consumer. @returns undefined for any other sampler
 */
export function createSampler(environment: Readonly<Record<string, string | undefined>>): Sampler | undefined {
  const name = environment['OTEL_TRACES_SAMPLER']?.trim()
  if (name !== 'traceidratio' && name !== 'parentbased_traceidratio') return undefined
  const text = environment['OTEL_TRACES_SAMPLER_ARG']?.trim()
  const ratio = text ? Number(text) : 1
  // The SDK reports an invalid ratio.
  if (!(ratio >= 0 && ratio <= 1)) return undefined
  const { ParentBasedSampler, TraceIdRatioBasedSampler } = loadSdkSamplers()
  return new ParentBasedSampler({ root: new LinkedSampler({ root: new TraceIdRatioBasedSampler(ratio) }) })
}

/** sdk-node exports no samplers; those of its own dependency match it. */
function loadSdkSamplers(): SdkSamplers {
  const ofSdk = createRequire(createRequire(import.meta.url).resolve('@opentelemetry/sdk-node'))
  try {
    return ofSdk('@opentelemetry/sdk-trace') as SdkSamplers
  } catch {
    // The name in SDK 2.x.
    return ofSdk('@opentelemetry/sdk-trace-base') as SdkSamplers
  }
}
