import type { AttributesResponse } from '@spanlink/api-schema'
import { useMemo } from 'preact/hooks'
import { TextFilter } from '../components/filters/filters.tsx'
import { createResource } from '../lib/resource.ts'

const INTRINSICS = ['name', 'status', 'kind', 'resource.service.name']

/** Chooses the field to group traces by. Field names are loaded when the control is first used. */
export function GroupBy(props: { readonly by: string | undefined; readonly onSet: (by: string | undefined) => void }) {
  const names = useMemo(() => createResource<AttributesResponse>(), [])
  const fields = names.state.value.data?.attributes?.map(({ field }) => field) ?? []
  return (
    <TextFilter
      isMono
      label="Group by"
      placeholder="e.g. span.http.route"
      listId="group-fields"
      suggestions={[...INTRINSICS, ...fields]}
      value={props.by ?? ''}
      onFocus={() => void names.load('api/attributes?limit=200')}
      onSet={(by) => props.onSet(by || undefined)}
    />
  )
}
