/** Returns the list, or a copy of at least twice the length if it is too short. */
export function growList<List extends Uint8Array | Int32Array | Uint32Array | Float64Array>(
  list: List,
  length: number,
): List {
  if (length <= list.length) return list
  const larger = new (list.constructor as new (length: number) => List)(Math.max(length, list.length * 2))
  larger.set(list)
  return larger
}
