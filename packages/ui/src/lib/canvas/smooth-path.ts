type Point = readonly [x: number, y: number]

/** A rounded SVG path through the corners of a line: curves meet halfway between corners. */
export function smoothPath(points: readonly Point[]): string {
  const [first, ...rest] = points
  if (first === undefined) return ''
  const last = rest.at(-1)
  if (last === undefined) return `M${at(first)}`
  if (rest.length === 1) return `M${at(first)}L${at(last)}`
  const curves = rest.slice(0, -1).map((corner, index) => {
    const next = rest[index + 1] ?? last
    const to: Point = index === rest.length - 2 ? last : [(corner[0] + next[0]) / 2, (corner[1] + next[1]) / 2]
    return `Q${at(corner)} ${at(to)}`
  })
  return `M${at(first)}${curves.join('')}`
}

function at([x, y]: Point): string {
  return `${Math.round(x * 10) / 10} ${Math.round(y * 10) / 10}`
}
