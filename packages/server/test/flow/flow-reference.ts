/**
 * A link of a random graph: from the span that carries it to its target, each as trace and index in
 * the trace.
 */
export type GraphLink = { readonly from: GraphSpan; readonly to: GraphSpan }
/** Index 0 is the root; the others are its children. */
export type GraphSpan = readonly [trace: number, index: number]

export type Graph = {
  /** Children of each trace's root. A trace starts after the traces before it. */
  readonly children: readonly number[]
  readonly lost: ReadonlySet<number>
  readonly links: readonly GraphLink[]
}

export type ReferenceFlow = {
  readonly origins: readonly number[]
  /** Traces of the flow. */
  readonly flowTraces: ReadonlySet<number>
  /** Stored spans that belong to it, as `spanName`. */
  readonly spans: ReadonlySet<string>
  readonly edges: number
  /** By trace: number of other events' traces whose messages it consumed. */
  readonly joinedWith: ReadonlyMap<number, number>
  readonly isDeeper: boolean
}

type Unit = { readonly trace: number; readonly index: number; readonly causes: readonly GraphSpan[] }

/** The flow of a trace by definition, recomputed in each round without links of lost traces. */
export function referenceFlow(
  graph: Graph,
  opened: number,
  options: { maxDepth: number; joined: boolean },
): ReferenceFlow {
  const links = graph.links.filter(({ from }) => !graph.lost.has(from[0]))
  const units = graph.children.flatMap((children, trace): Unit[] => {
    const indexes = graph.lost.has(trace) ? [] : Array.from({ length: children + 1 }, (_, index) => index)
    const ofSpans = indexes.map((index): Unit => ({
      trace,
      index,
      causes: links.filter(({ from }) => from[0] === trace && from[1] === index).map(({ to }) => to),
    }))
    return [{ trace, index: -1, causes: [] }, ...ofSpans.filter(({ causes }) => causes.length > 0)]
  })
  const find = (trace: number, index: number): Unit | undefined =>
    units.find((unit) => unit.trace === trace && unit.index === index)
  /** A span's own unit, else its root's, else the rest of the trace. */
  const unitOf = ([trace, index]: GraphSpan): Unit => (find(trace, index) ?? find(trace, 0) ?? find(trace, -1)) as Unit
  const above = (unit: Unit): Unit[] => {
    const own = unit.causes.map(unitOf).filter((cause) => cause !== unit)
    if (own.length > 0) return own
    const lane = units.filter(({ trace }) => trace === unit.trace)
    return lane.flatMap(({ causes }) => causes.filter(([trace]) => trace !== unit.trace).map(unitOf))
  }

  // Up: distances in links between traces.
  const distances = new Map([[opened, 0]])
  let visited = new Set(units.filter(({ trace }) => trace === opened))
  for (let round = 1; ; round++) {
    let inside = visited
    for (;;) {
      const more = [...inside].flatMap(above).filter(({ trace }) => distances.has(trace))
      const next = new Set([...inside, ...more])
      if (next.size === inside.size) break
      inside = next
    }
    const further = [...inside].flatMap(above).filter(({ trace }) => !distances.has(trace))
    for (const { trace } of further) distances.set(trace, round)
    visited = new Set([...inside, ...further])
    if (further.length === 0) break
  }
  const roots = [...visited].filter((unit) => above(unit).length === 0)
  const order = (trace: number): number => (graph.lost.has(trace) ? 1000 + trace : trace)
  const candidates = roots.length > 0 ? roots.map(({ trace }) => trace) : [...distances.keys()]
  const sorted = [...new Set(candidates)].sort((a, b) => order(a) - order(b))
  const all = roots.length > 0 ? sorted : sorted.slice(0, 1)
  const first = all.includes(opened) && roots.length > 0 ? opened : (all[0] ?? opened)
  const origins = [first, ...all.filter((trace) => trace !== first)]
  const starts = [...visited].filter(({ trace }) => trace === first)
  const chain = new Set(roots.length > 0 ? starts.filter((unit) => above(unit).length === 0) : starts)
  grow(chain, () => [...visited].filter((unit) => above(unit).some((cause) => chain.has(cause))))

  // Down, round by round.
  const flowTraces = new Set<number>()
  let [down, joined] = [new Set<Unit>(), new Set<Unit>()]
  let next = new Set([opened])
  let depth = 0
  for (; next.size > 0 && depth <= options.maxDepth; depth++) {
    for (const trace of next) flowTraces.add(trace)
    const known = units.filter(({ trace }) => flowTraces.has(trace))
    const outer = (unit: Unit): Unit[] =>
      [unit.index > 0 ? find(unit.trace, 0) : undefined, find(unit.trace, -1)].filter(
        (one): one is Unit => one !== undefined && one !== unit && one.causes.length !== 1,
      )
    down = new Set(known.filter((unit) => unit.trace === opened || chain.has(unit)))
    grow(down, () => [
      ...known.filter((unit) => unit.causes.map(unitOf).some((cause) => down.has(cause))),
      ...[...down].flatMap(outer),
    ])
    joined = new Set(down)
    if (options.joined) {
      grow(joined, () =>
        [...[...joined].flatMap(above), ...[...joined].flatMap(outer)].filter(({ trace }) => flowTraces.has(trace)),
      )
    }
    const isNext = (trace: number): boolean =>
      !flowTraces.has(trace) &&
      ((distances.get(trace) === depth + 1 && [...chain].some((unit) => unit.trace === trace)) ||
        links.some(({ from, to }) => from[0] === trace && down.has(unitOf(to))) ||
        (options.joined && [...joined].some((unit) => above(unit).some((cause) => cause.trace === trace))))
    next = new Set([...graph.children.keys()].filter(isNext))
  }
  const isIn = (span: GraphSpan): boolean => joined.has(unitOf(span))
  const spans = [...flowTraces].flatMap((trace) =>
    graph.lost.has(trace)
      ? []
      : Array.from({ length: (graph.children[trace] ?? 0) + 1 }, (_, index): GraphSpan => [trace, index]),
  )
  const others = [...flowTraces].map((trace): [number, number] => {
    const causes = units.filter((unit) => unit.trace === trace).flatMap((unit) => unit.causes)
    const other = causes.filter((cause) => cause[0] !== trace && !isIn(cause) && !next.has(cause[0]))
    return [trace, new Set(other.map(([of]) => of)).size]
  })
  return {
    origins,
    flowTraces,
    spans: new Set(spans.filter(isIn).map(spanName)),
    // Equal links of a span are one edge.
    edges: new Set(
      links.filter(({ from, to }) => isIn(from) && isIn(to)).map(({ from, to }) => `${spanName(from)} ${spanName(to)}`),
    ).size,
    joinedWith: new Map(others.filter(([, count]) => count > 0)),
    isDeeper: next.size > 0,
  }
}

export function spanName([trace, index]: GraphSpan): string {
  return `${trace}.${index}`
}

/** Adds what `more` finds until nothing is new. */
function grow<Value>(set: Set<Value>, more: () => readonly Value[]): void {
  for (let size = -1; size !== set.size;) {
    size = set.size
    for (const value of more()) set.add(value)
  }
}
