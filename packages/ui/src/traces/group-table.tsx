import type { FoundTrace } from '@spanlink/api-schema'
import type { ComponentChildren } from 'preact'
import type { RowHold } from '../components/list/use-held-list.ts'
import { ListScroll } from '../components/list/list-scroll.tsx'
import { ServiceName, Text } from '../components/labels/labels.tsx'
import { TableHead, numberColumn } from '../components/list/table-head.tsx'

interface GroupRow {
  readonly value: string | null
  readonly traces: number
  readonly spans: number
  readonly failed: number
}

/** The listed traces grouped by a field's value; choosing a group narrows the search to it. */
export function GroupTable(props: {
  readonly field: string
  readonly traces: readonly FoundTrace[]
  readonly hold: RowHold
  readonly onChoose: (condition: string) => void
  /** Rendered at the end of the list. */
  readonly more: ComponentChildren
}) {
  const groups = groupTraces(props.traces)
  const isService = props.field === 'resource.service.name'
  const max = groups.reduce((max, { spans }) => Math.max(max, spans), 1)
  return (
    <ListScroll class="groups" hold={props.hold}>
      <table class="list grouped">
        <TableHead
          columns={[
            { text: props.field, class: 'mono' },
            numberColumn('Traces'),
            numberColumn('With errors'),
            'Matching spans',
          ]}
        />
        <tbody>
          {groups.map((group) => (
            <tr key={String(group.value)}>
              <td>
                <button
                  type="button"
                  class="plain row-link"
                  title="Filter by this group"
                  onClick={() => props.onChoose(toCondition(props.field, group.value))}
                >
                  {group.value === null ? (
                    <span class="faint">(none)</span>
                  ) : isService ? (
                    <ServiceName name={group.value} />
                  ) : (
                    <Text>{group.value}</Text>
                  )}
                </button>
              </td>
              <td class="number">{group.traces.toLocaleString('en')}</td>
              <td class="number">
                <span class={group.failed > 0 ? 'errors' : 'faint'}>{group.failed.toLocaleString('en')}</span>
              </td>
              <td>
                <span class="amount">
                  <span>{group.spans.toLocaleString('en')}</span>
                  <span class="amount-bar">
                    <i style={{ width: `${(group.spans / max) * 100}%` }} />
                  </span>
                </span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {props.more}
    </ListScroll>
  )
}

function groupTraces(traces: readonly FoundTrace[]): readonly GroupRow[] {
  const groups = new Map<string | null, { value: string | null; traces: number; spans: number; failed: number }>()
  for (const trace of traces) {
    for (const { group, matched } of trace.matches ?? []) {
      const value = group[0]?.value ?? null
      const row = groups.get(value) ?? { value, traces: 0, spans: 0, failed: 0 }
      row.traces += 1
      row.spans += matched
      row.failed += trace.errorCount > 0 ? 1 : 0
      groups.set(value, row)
    }
  }
  return [...groups.values()].toSorted((a, b) => b.spans - a.spans)
}

/**
 * Numbers, keywords and strings have different TraceQL syntax. The type is not known, so a numeric
 * string may be read as a number.
 */
function toCondition(field: string, value: string | null): string {
  if (value === null) return `${field} = nil`
  const isWord = /^(?:span:)?(?:status|kind)$/.test(field) || /^-?\d+(?:\.\d+)?$|^(?:true|false)$/.test(value)
  return `${field} = ${isWord ? value : JSON.stringify(value)}`
}
