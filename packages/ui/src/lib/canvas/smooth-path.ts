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

/** The middle of a line by its corners, for its label. */
export function findMiddle(points: readonly Point[]): Point {
  const middle = points[Math.floor((points.length - 1) / 2)] ?? [0, 0]
  if (points.length % 2 === 1) return middle
  const next = points[points.length / 2] ?? middle
  return [(middle[0] + next[0]) / 2, (middle[1] + next[1]) / 2]
}

function at([x, y]: Point): string {
  return `${Math.round(x * 10) / 10} ${Math.round(y * 10) / 10}`
}
