import type { Store } from '../clickhouse/store.ts'
import { type RowTable, rowTables } from '../clickhouse/tables.ts'
import type { Section } from './frame.ts'

/**
 * Cuts the rows of a segment into pieces of at most `maxBytes`, but one row at least, that are to
 * be inserted one after the other. Begins with the rows of table `from`.
 */
export async function splitSections(
  store: Pick<Store, 'measureRows'>,
  sections: readonly Section[],
  from: RowTable,
  maxBytes: number,
): Promise<Section[][]> {
  const pieces: Section[][] = [[]]
  let room = maxBytes
  for (const section of inInsertOrder(sections, from)) {
    let rest = section
    while (rest.rows > 0) {
      const piece = pieces.at(-1) as Section[]
      const isEmpty = piece.length === 0
      const head = rest.bytes.length <= room ? rest : await takeRows(store, rest, room, isEmpty)
      if (head.rows > 0) piece.push(head)
      room -= head.bytes.length
      rest = without(rest, head)
      if (rest.rows > 0) {
        pieces.push([])
        room = maxBytes
      }
    }
  }
  return pieces
}

export function inInsertOrder(sections: readonly Section[], from: RowTable = 'sources'): Section[] {
  return rowTables
    .slice(rowTables.indexOf(from))
    .flatMap((table) => sections.filter((section) => section.table === table))
}

async function takeRows(
  store: Pick<Store, 'measureRows'>,
  section: Section,
  maxBytes: number,
  oneAtLeast: boolean,
): Promise<Section> {
  const { rows, bytes } = await store.measureRows(section.table, section.bytes, maxBytes)
  if (bytes > maxBytes && !oneAtLeast) return { ...section, rows: 0, bytes: section.bytes.subarray(0, 0) }
  return { ...section, rows, bytes: section.bytes.subarray(0, bytes) }
}

function without(section: Section, head: Section): Section {
  const bytes = section.bytes.subarray(head.bytes.length)
  return { ...section, rows: section.rows - head.rows, bytes }
}
