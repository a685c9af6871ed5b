/**
 * A share of all traces. Selected by id range, because rows of a ten-minute bucket are sorted by
 * trace id: a share of the ids reads the same share of the rows. Selected by hash if ids are not
 * random (they start with a time or with zeros).
 */
export type Sample = {
  /** One in this many traces. */
  readonly oneIn: number
  readonly by: 'id' | 'hash'
}

/** Chooses a power of two so that about `target` of `count` remain. */
export function chooseSample(count: number, target: number): Sample {
  const oneIn = count <= target ? 1 : 2 ** Math.ceil(Math.log2(count / target))
  return { oneIn: Math.min(oneIn, MAX_ONE_IN), by: 'id' }
}

const MAX_ONE_IN = 2 ** 30

/** SQL condition that uses the parameters of `sampleParams`. */
function sampleCondition({ oneIn, by }: Sample): string {
  if (oneIn === 1) return 'true'
  return by === 'id'
    ? 'trace_id < toFixedString(unhex({sampleBelow:String}), 16)'
    : 'cityHash64(trace_id) % {sampleOneIn:UInt64} = 0'
}

type SampleParams = { readonly sampleBelow: string; readonly sampleOneIn: number }

export function sampleParams({ oneIn }: Sample): SampleParams {
  const below = oneIn === 1 ? 2 ** 32 - 1 : 2 ** 32 / oneIn
  return { sampleBelow: below.toString(16).padStart(8, '0').padEnd(32, '0'), sampleOneIn: oneIn }
}

export type SampledRows<Row> = {
  readonly rows: readonly Row[]
  /** Compared with the expected size. */
  readonly size: number
}

/**
 * Takes a sample of about `target` of `count` by id. Repeats it by hash if its size differs from
 * the expected one by 4x or more, as ids are not random then.
 *
 * @param take reads the rows whose `trace_id` satisfies an SQL condition
 */
export async function takeSample<Row>(
  count: number,
  target: number,
  take: (condition: string, params: SampleParams) => Promise<SampledRows<Row>>,
): Promise<{ readonly rows: readonly Row[]; readonly sample: Sample }> {
  const sample = chooseSample(count, target)
  const { rows, size } = await take(sampleCondition(sample), sampleParams(sample))
  const expected = count / sample.oneIn
  if (sample.oneIn === 1 || (size > expected / 4 && size < expected * 4)) return { rows, sample }
  const hashed = { ...sample, by: 'hash' as const }
  return { rows: (await take(sampleCondition(hashed), sampleParams(hashed))).rows, sample: hashed }
}
