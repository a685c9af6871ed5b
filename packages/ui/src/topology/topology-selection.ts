import { replace } from '../lib/url.ts'
import { topologyUrl, type TopologyPlace } from './topology-url.ts'

export function closeDetails(place: TopologyPlace): void {
  replace(topologyUrl({ ...place, node: undefined, edge: undefined }))
}
