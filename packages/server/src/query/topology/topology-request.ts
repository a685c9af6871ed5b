import type { QueryOptions, Store } from '../../clickhouse/store.ts'
import type { TimeWindow } from '../sql/time-window.ts'

export type TopologyRequest = { readonly store: Store; readonly options: QueryOptions; readonly window: TimeWindow }
