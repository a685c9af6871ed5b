import type { AttributesResponse } from '@spanlink/api-schema'
import { useMemo } from 'preact/hooks'
import { createResource } from '../lib/resource.ts'

const INTRINSICS = ['name', 'status', 'kind', 'resource.service.name']

/** A field to see the traces by. Its names are asked for when somebody is about to choose. */
export function GroupBy(props: { readonly by: string | undefined; readonly onSet: (by: string | undefined) => void }) {
  const names = useMemo(() => createResource<AttributesResponse>(), [])
  const fields = names.state.value.data?.attributes?.map(({ field }) => field) ?? []
  return (
    <label>
      Group by
      <input
        class="mono"
        list="group-fields"
        placeholder="e.g. span.http.route"
        autoComplete="off"
        spellcheck={false}
        value={props.by ?? ''}
        onFocus={() => void names.load('/api/attributes?limit=200')}
        onChange={(event) => props.onSet(event.currentTarget.value.trim() || undefined)}
      />
      <datalist id="group-fields">
        {[...new Set([...INTRINSICS, ...fields])]
          .filter((field) => field.length <= 100)
          .map((field) => (
            <option key={field} value={field} />
          ))}
      </datalist>
    </label>
  )
}
