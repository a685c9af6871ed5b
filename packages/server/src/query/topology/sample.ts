/**
 * A share of all traces. By id, because traces of one ten-minute bucket lie in the order of their
 * ids: a share of the ids is a share of the reading. By hash where ids are not random (they begin
 * with a time, or with zeros).
 */
export type Sample = {
  /** One in so many traces. */
  readonly oneIn: number
  readonly by: 'id' | 'hash'
}

/** One in a power of two, so that about `target` of `count` are left. */
export function chooseSample(count: number, target: number): Sample {
  const oneIn = count <= target ? 1 : 2 ** Math.ceil(Math.log2(count / target))
  return { oneIn: Math.min(oneIn, MAX_ONE_IN), by: 'id' }
}

const MAX_ONE_IN = 2 ** 30

/** SQL, with the parameters of `sampleParams`. */
export function sampleCondition({ oneIn, by }: Sample): string {
  if (oneIn === 1) return 'true'
  return by === 'id'
    ? 'trace_id < toFixedString(unhex({sampleBelow:String}), 16)'
    : 'cityHash64(trace_id) % {sampleOneIn:UInt64} = 0'
}

export function sampleParams({ oneIn }: Sample): { readonly sampleBelow: string; readonly sampleOneIn: number } {
  const below = oneIn === 1 ? 2 ** 32 - 1 : 2 ** 32 / oneIn
  return { sampleBelow: below.toString(16).padStart(8, '0').padEnd(32, '0'), sampleOneIn: oneIn }
}

export type SampledRows<Row> = {
  readonly rows: readonly Row[]
  /** What is compared with what was expected. */
  readonly size: number
}

/**
 * Takes the sample by id, and by hash when far more or fewer came than a share of random ids has.
 */
export async function takeSample<Row>(
  sample: Sample,
  expected: number,
  take: (sample: Sample) => Promise<SampledRows<Row>>,
): Promise<{ readonly rows: readonly Row[]; readonly sample: Sample }> {
  const { rows, size } = await take(sample)
  if (sample.oneIn === 1 || (size > expected / 4 && size < expected * 4)) return { rows, sample }
  const hashed = { ...sample, by: 'hash' as const }
  return { rows: (await take(hashed)).rows, sample: hashed }
}
